"""A program that signs people in by itself, with qsAPI and the client certificate.

Usage: sessions.py HOST:PORT CLIENT.pem PREFIX

The key of CLIENT.pem is expected beside it, as CLIENT_key.pem. Prints what it saw as JSON;
qsapi.test.mjs judges it. The library puts the prefix before `qps`. Its own method for the end of
one session asks for a member that it does not have, so that its driver is used for that.
"""

import json
import sys

import qsAPI

host, certificate, prefix = sys.argv[1:]
administrator = ("INTERNAL", "sa_repository")
qps = qsAPI.QPS(proxy=host, certificate=certificate, vproxy=prefix, user=administrator)
elsewhere = qsAPI.QPS(proxy=host, certificate=certificate, user=administrator)
boz = {"UserDirectory": "QTSEL", "UserId": "boz", "Attributes": [{"Group": "sales"}]}


def opened(number):
    """The status of opening one more session, and its id."""
    body = {**boz, "SessionId": f"named-by-a-program-{number:04}"}
    answer = qps.driver.post("/qps/session", data=body)
    return answer.status_code, answer.json()["SessionId"]


def ids(answer):
    """The ids of the sessions in an answer."""
    return sorted(session["SessionId"] for session in answer.json())


status, first = opened(1)
listed = ids(qps.GetUser("QTSEL", "boz"))
seen = {
    "opened": status,
    "found": qps.GetSession(first).json()["UserId"],
    "sameId": [qps.GetSession(first).json()["SessionId"]] == listed,
    "elsewhere": elsewhere.GetSession(first).status_code,
    "ended": qps.driver.delete(f"/qps/session/{first}").json()["LastSessionForUser"],
    "gone": qps.GetSession(first).status_code,
}
opened(2)
opened(3)
seen["endedTogether"] = len(ids(qps.DeleteUser("QTSEL", "boz")))
seen["left"] = ids(qps.GetUser("QTSEL", "boz"))
# A virtual proxy with tokens takes no tickets; the default one does.
ticket = elsewhere.driver.post("/qps/ticket", data=boz)
seen["ticket"] = ticket.json()["Ticket"]
print(json.dumps(seen))
