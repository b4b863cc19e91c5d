//! Who calls, on the port for client certificates.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use jotgate_manage::{Actor, ActorKind, Privilege};
use jotgate_model::User;
use percent_encoding::percent_decode_str;
use tokio::net::unix::UCred;

use crate::problem::Problem;

/// The longest directory or id, in characters: what the real system's user has room for.
const MAX_NAME: usize = 255;
const HEADER: &str = "x-qlik-user";

/// In the extensions of a request that comes with a session: its public id.
#[derive(Clone, Debug)]
pub struct CallerSession(pub String);

/// Makes a router serve whoever showed an administrator's client certificate: the certificate is
/// the authority, `X-Qlik-User` the name under which changes are made. `unnamed` is the name of
/// whoever sends none; without it, nobody would know later who changed what, and such a request is
/// refused, as the real repository does.
///
/// The listener checks the certificate. Where it inserts the peer's `SocketAddr`,
/// that address becomes the actor's source.
pub fn certificate_caller(router: Router, unnamed: Option<User>) -> Router {
    let insert = move |request: Request, next: Next| insert_actor(unnamed.clone(), request, next);
    router.layer(middleware::from_fn(insert))
}

/// Makes a router serve whoever could open the socket in the data directory: the owner of everything
/// that the gateway keeps. Where the listener inserts the peer's `UCred`, its user id becomes part
/// of the actor's source.
pub fn local_caller(router: Router) -> Router {
    let insert = async |mut request: Request, next: Next| {
        let peer = request.extensions().get::<UCred>().map(UCred::uid);
        request.extensions_mut().insert(local_actor(peer));
        next.run(request).await
    };
    router.layer(middleware::from_fn(insert))
}

/// Whoever has the data directory, as the user of that number.
#[must_use]
pub fn local_actor(uid: Option<u32>) -> Actor {
    Actor {
        name: r"INTERNAL\command_line".to_owned(),
        kind: ActorKind::CommandLine,
        source: match uid {
            Some(uid) => format!("this machine, user id {uid}"),
            None => "this machine".to_owned(),
        },
        privilege: Privilege::RootAdmin,
    }
}

async fn insert_actor(unnamed: Option<User>, mut request: Request, next: Next) -> Response {
    let named = request.headers().contains_key(HEADER);
    let user = if named {
        parse(request.headers())
    } else {
        unnamed
    };
    let Some(user) = user else {
        return unknown().into_response();
    };
    let source = request
        .extensions()
        .get::<SocketAddr>()
        .map_or_else(|| "unknown".to_owned(), |peer| peer.ip().to_string());
    request.extensions_mut().insert(Actor {
        name: user.to_string(),
        kind: ActorKind::Certificate,
        source,
        privilege: Privilege::RootAdmin,
    });
    next.run(request).await
}

/// What is answered to somebody without a name.
pub(crate) fn unknown() -> Problem {
    Problem::forbidden(
        "Nobody is named as the user of this request: the header X-Qlik-User is missing or malformed. \
         Send for instance X-Qlik-User: UserDirectory=INTERNAL; UserId=sa_repository",
    )
}

/// Reads `UserDirectory=X; UserId=Y`: the order, the case of the names and blanks do not count, the
/// values are percent-encoded UTF-8 (Qlik help, "X-Qlik-User header"). A name that comes twice is
/// refused: values may come from somebody who hopes to end theirs with a `;`.
fn parse(headers: &HeaderMap) -> Option<User> {
    let mut values = headers.get_all(HEADER).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let text = std::str::from_utf8(value.as_bytes()).ok()?;
    let (mut directory, mut id) = (None, None);
    for part in text
        .split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let (name, value) = part.split_once('=')?;
        let name = name.trim();
        let place = if name.eq_ignore_ascii_case("UserDirectory") {
            &mut directory
        } else if name.eq_ignore_ascii_case("UserId") {
            &mut id
        } else {
            return None;
        };
        if place.replace(decode(value.trim())?).is_some() {
            return None;
        }
    }
    Some(User::new(directory?, id?))
}

fn decode(value: &str) -> Option<String> {
    let decoded = percent_decode_str(value).decode_utf8().ok()?;
    let usable = !decoded.trim().is_empty()
        && decoded.chars().count() <= MAX_NAME
        && !decoded.chars().any(char::is_control);
    usable.then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
        headers.insert("x-qlik-user", value);
        parse(&headers).map(|user| user.to_string())
    }

    #[test]
    fn clients_write_it_in_many_ways() {
        let expected = Some(r"INTERNAL\sa_repository".to_owned());
        for value in [
            "UserDirectory=INTERNAL;UserId=sa_repository",
            "UserDirectory=INTERNAL; UserId=sa_repository",
            "UserDirectory= INTERNAL; UserId= sa_repository ",
            "userid=sa_repository; USERDIRECTORY=INTERNAL;",
            "UserDirectory=INTERNAL;UserID=sa%5Frepository",
        ] {
            assert_eq!(name(value), expected, "{value}");
        }
        let umlaut = Some(r"Büro\a;b=c".to_owned());
        assert_eq!(name("UserDirectory=B%C3%BCro;UserId=a%3Bb=c"), umlaut);
        assert_eq!(name("UserDirectory=Büro;UserId=a%3Bb%3Dc"), umlaut);
    }

    #[test]
    fn whoever_is_not_named_is_nobody() {
        let long = format!("UserDirectory=a;UserId={}", "b".repeat(256));
        for value in [
            "",
            "INTERNAL\\sa_repository",
            "UserDirectory=a",
            "UserDirectory=;UserId=b",
            "UserDirectory=%20;UserId=b",
            "UserDirectory=a;UserId=b;UserId=c",
            "UserDirectory=a;UserId=b;Role=RootAdmin",
            "UserDirectory=a;UserId=%ff",
            "UserDirectory=a;UserId=b%0d%0a",
            "UserDirectory:a;UserId:b",
            &long,
        ] {
            assert_eq!(name(value), None, "{value}");
        }
        let mut headers = HeaderMap::new();
        assert_eq!(parse(&headers), None);
        for id in ["b", "c"] {
            let value = format!("UserDirectory=a;UserId={id}");
            headers.append("x-qlik-user", value.parse().unwrap());
        }
        assert_eq!(parse(&headers), None);
    }
}
