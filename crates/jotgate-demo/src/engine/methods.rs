//! The engine's methods that the demo knows, each as a pure function of the session, the request
//! and the time. Names, parameters and results are those of the Qlik engine API.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::identity::User;

use super::catalogue;
use super::rpc::{Fault, GLOBAL, Reply, Request};
use super::session::{DOC, EngineSession, OpenApp, SessionObject};

/// What a method may look at besides the session.
pub(super) struct Context<'a> {
    pub(super) user: &'a User,
    pub(super) now: Timestamp,
}

type Outcome = Result<Reply, Fault>;

/// Carries out a request.
pub(super) fn call(
    session: &mut EngineSession,
    request: &Request,
    context: &Context<'_>,
) -> Outcome {
    match request.handle {
        GLOBAL => on_global(session, request, context),
        DOC if session.app.is_none() => Err(Fault::unknown_handle(DOC)),
        DOC => on_doc(session, request, context),
        _ => on_object(session, request),
    }
}

fn on_global(session: &mut EngineSession, request: &Request, context: &Context<'_>) -> Outcome {
    match request.method.as_str() {
        "EngineVersion" => {
            let version =
                json!({ "qComponentVersion": concat!("jotgate-demo ", env!("CARGO_PKG_VERSION")) });
            Ok(Reply::of("qVersion", version))
        }
        "GetDocList" => Ok(Reply::of("qDocList", catalogue::doc_list(context.now))),
        "GetAuthenticatedUser" => Ok(Reply::of("qReturn", context.user.engine_name().into())),
        "OpenDoc" => open_doc(session, request.text(0, "qDocName")?),
        "CreateSessionApp" => create_session_app(session),
        "GetActiveDoc" => session
            .app
            .as_ref()
            .map(doc_reference)
            .ok_or_else(Fault::no_app_open),
        _ => Err(Fault::unknown_method(request)),
    }
}

fn on_doc(session: &mut EngineSession, request: &Request, context: &Context<'_>) -> Outcome {
    match request.method.as_str() {
        "GetAppLayout" => Ok(Reply::of("qLayout", app_layout(session, context.now))),
        "CreateSessionObject" => {
            let properties = request.param(0, "qProp").unwrap_or(&Value::Null);
            let handle = session.create(properties)?;
            let object = session.object(handle)?;
            let mut reply = object_reference(handle, object);
            reply
                .result
                .insert("qInfo".to_owned(), object.properties["qInfo"].clone());
            reply.changed.push(handle);
            Ok(reply)
        }
        "DestroySessionObject" => {
            let success = session.destroy(request.text(0, "qId")?);
            Ok(Reply::of("qSuccess", success.into()))
        }
        "GetObject" => {
            let (handle, object) = session.object_by_id(request.text(0, "qId")?)?;
            Ok(object_reference(handle, object))
        }
        _ => Err(Fault::unknown_method(request)),
    }
}

fn on_object(session: &mut EngineSession, request: &Request) -> Outcome {
    let handle = request.handle;
    let object = session.object(handle)?;
    match request.method.as_str() {
        "GetLayout" => Ok(Reply::of("qLayout", object_layout(object))),
        "GetProperties" => Ok(Reply::of("qProp", object.properties.clone())),
        "SetProperties" => {
            session.replace(handle, request.param(0, "qProp").unwrap_or(&Value::Null))?;
            Ok(Reply {
                changed: vec![handle],
                ..Reply::default()
            })
        }
        _ => Err(Fault::unknown_method(request)),
    }
}

/// One session has one app: opening it twice is fine, opening another one is not.
fn open_doc(session: &mut EngineSession, id: &str) -> Outcome {
    match &session.app {
        Some(open) if open.id().eq_ignore_ascii_case(id) => Ok(doc_reference(open)),
        Some(open) => Err(Fault::app_already_open(open.id())),
        None => {
            let app = catalogue::find(id).ok_or_else(|| Fault::unknown_app(id))?;
            Ok(doc_reference(session.app.insert(OpenApp::Sample(app))))
        }
    }
}

fn create_session_app(session: &mut EngineSession) -> Outcome {
    if let Some(open) = &session.app {
        return Err(Fault::app_already_open(open.id()));
    }
    let id = format!("SessionApp_{}", uuid::Uuid::new_v4());
    let mut reply = doc_reference(session.app.insert(OpenApp::Transient(id.clone())));
    reply.result.insert("qSessionAppId".to_owned(), id.into());
    Ok(reply)
}

fn doc_reference(app: &OpenApp) -> Reply {
    Reply::of(
        "qReturn",
        json!({ "qType": "Doc", "qHandle": DOC, "qGenericId": app.id() }),
    )
}

fn object_reference(handle: i64, object: &SessionObject) -> Reply {
    let reference = json!({
        "qType": "GenericObject",
        "qHandle": handle,
        "qGenericType": object.kind,
        "qGenericId": object.id,
    });
    Reply::of("qReturn", reference)
}

fn app_layout(session: &EngineSession, now: Timestamp) -> Value {
    match &session.app {
        Some(OpenApp::Sample(app)) => app.layout(now),
        Some(OpenApp::Transient(id)) => json!({ "qTitle": id, "qFileName": id, "qHasData": false }),
        None => Value::Null,
    }
}

/// The demo evaluates nothing: an object's layout is what the client put in.
fn object_layout(object: &SessionObject) -> Value {
    let mut layout = object.properties.clone();
    layout["qMeta"] = json!({ "privileges": ["read", "update", "delete"] });
    layout["qSelectionInfo"] = json!({});
    layout
}

#[cfg(test)]
mod tests {
    use super::super::rpc::parse;
    use super::*;

    fn ask(session: &mut EngineSession, handle: i64, method: &str, params: Value) -> Value {
        let user = User {
            id: "ann".to_owned(),
            directory: "QT".to_owned(),
        };
        let context = Context {
            user: &user,
            now: Timestamp::UNIX_EPOCH,
        };
        let text = json!({ "id": 1, "handle": handle, "method": method, "params": params });
        let request = parse(&text.to_string()).unwrap();
        let outcome = call(session, &request, &context);
        request.answer(outcome).unwrap()
    }

    #[test]
    fn one_session_has_one_app() {
        let mut session = EngineSession::default();
        let first = catalogue::APPS[0].id;
        assert_eq!(
            ask(&mut session, -1, "OpenDoc", json!(["?"]))["error"]["code"],
            1003
        );
        assert_eq!(
            ask(&mut session, -1, "OpenDoc", json!([]))["error"]["code"],
            -32602
        );
        assert_eq!(
            ask(&mut session, 1, "GetAppLayout", json!([]))["error"]["code"],
            -32602
        );
        for _ in 0..2 {
            let answer = ask(&mut session, -1, "OpenDoc", json!([first]));
            assert_eq!(answer["result"]["qReturn"]["qHandle"], 1);
        }
        let other = json!([catalogue::APPS[1].id]);
        assert_eq!(
            ask(&mut session, -1, "OpenDoc", other)["error"]["code"],
            1002
        );
        assert_eq!(
            ask(&mut session, -1, "CreateSessionApp", json!([]))["error"]["code"],
            1002
        );
    }

    #[test]
    fn a_transient_app_is_an_app() {
        let mut session = EngineSession::default();
        let answer = ask(&mut session, -1, "CreateSessionApp", json!([]));
        let id = answer["result"]["qSessionAppId"].clone();
        assert_eq!(answer["result"]["qReturn"]["qGenericId"], id);
        assert_eq!(
            ask(&mut session, 1, "GetAppLayout", json!([]))["result"]["qLayout"]["qTitle"],
            id
        );
    }

    #[test]
    fn objects_live_from_create_to_destroy() {
        let mut session = EngineSession::default();
        ask(&mut session, -1, "CreateSessionApp", json!([]));
        assert_eq!(
            ask(&mut session, 1, "CreateSessionObject", json!([5]))["error"]["code"],
            -32602
        );

        let properties = json!([{ "qInfo": { "qType": "chart" }, "title": "A" }]);
        let created = ask(&mut session, 1, "CreateSessionObject", properties);
        let handle = created["result"]["qReturn"]["qHandle"].as_i64().unwrap();
        let id = created["result"]["qInfo"]["qId"].clone();
        assert_eq!(created["change"], json!([handle]));

        let set = ask(
            &mut session,
            handle,
            "SetProperties",
            json!([{ "title": "B" }]),
        );
        assert_eq!(
            (&set["result"], &set["change"]),
            (&json!({}), &json!([handle]))
        );
        let properties = &ask(&mut session, handle, "GetProperties", json!([]))["result"]["qProp"];
        assert_eq!(
            (&properties["title"], &properties["qInfo"]["qId"]),
            (&json!("B"), &id)
        );

        let found = ask(&mut session, 1, "GetObject", json!([id]));
        assert_eq!(found["result"]["qReturn"]["qHandle"], handle);
        let destroyed = ask(&mut session, 1, "DestroySessionObject", json!([id]));
        assert_eq!(destroyed["result"]["qSuccess"], true);
        assert_eq!(
            ask(&mut session, handle, "GetLayout", json!([]))["error"]["code"],
            -32602
        );
        assert_eq!(
            ask(&mut session, 1, "GetObject", json!([id]))["error"]["code"],
            2
        );
    }

    #[test]
    fn unknown_methods_are_named_on_every_kind_of_handle() {
        let mut session = EngineSession::default();
        ask(&mut session, -1, "CreateSessionApp", json!([]));
        ask(&mut session, 1, "CreateSessionObject", json!([{}]));
        for handle in [-1, 1, 2] {
            let error = &ask(&mut session, handle, "Frobnicate", json!([]))["error"];
            assert_eq!(
                (&error["code"], &error["parameter"]),
                (&json!(-32601), &json!("Frobnicate"))
            );
        }
    }
}
