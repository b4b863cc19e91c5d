//! JSON-RPC 2.0 as the Qlik engine speaks it: with a `handle` that names the object a method is
//! called on, and with `delta`, which asks for results in the form of JSON patches (RFC 6902).

use serde_json::{Map, Value, json};

/// The handle of the engine itself (Qlik engine API: Global).
pub(super) const GLOBAL: i64 = -1;

/// A request that can be carried out.
#[derive(Debug)]
pub(super) struct Request {
    /// Absent for a notification, which is never answered (JSON-RPC 2.0 section 4.1).
    id: Option<Value>,
    pub(super) handle: i64,
    pub(super) method: String,
    params: Value,
    delta: bool,
}

/// What a method gives back.
#[derive(Debug, Default)]
pub(super) struct Reply {
    /// The named results.
    pub(super) result: Map<String, Value>,
    /// The handles whose objects have changed.
    pub(super) changed: Vec<i64>,
}

impl Reply {
    /// A reply with one result.
    pub(super) fn of(name: &str, value: Value) -> Self {
        Self {
            result: Map::from_iter([(name.to_owned(), value)]),
            changed: Vec::new(),
        }
    }
}

/// An error as the engine reports one: `{code, message, parameter}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    code: i64,
    message: &'static str,
    parameter: String,
}

impl Fault {
    /// JSON-RPC 2.0 section 5.1.
    const PARSE_ERROR: i64 = -32700;
    const INVALID_REQUEST: i64 = -32600;
    const METHOD_NOT_FOUND: i64 = -32601;
    const INVALID_PARAMS: i64 = -32602;
    /// Qlik engine API: LOCERR_GENERIC_NOT_FOUND, LOCERR_APP_ALREADY_OPEN, LOCERR_APP_NOT_FOUND.
    const NOT_FOUND: i64 = 2;
    const APP_ALREADY_OPEN: i64 = 1002;
    const APP_NOT_FOUND: i64 = 1003;
    /// One of JSON-RPC's numbers for a server's own errors.
    const LIMIT_REACHED: i64 = -32000;

    fn new(code: i64, message: &'static str, parameter: impl Into<String>) -> Self {
        Self {
            code,
            message,
            parameter: parameter.into(),
        }
    }

    pub(super) fn unknown_method(request: &Request) -> Self {
        Self::new(Self::METHOD_NOT_FOUND, "Method not found", &request.method)
    }

    pub(super) fn unknown_handle(handle: i64) -> Self {
        Self::new(Self::INVALID_PARAMS, "Invalid handle", handle.to_string())
    }

    pub(super) fn bad_parameter(name: &str) -> Self {
        Self::new(Self::INVALID_PARAMS, "Invalid parameter", name)
    }

    pub(super) fn no_app_open() -> Self {
        Self::new(Self::NOT_FOUND, "No active app", "")
    }

    pub(super) fn unknown_object(id: &str) -> Self {
        Self::new(Self::NOT_FOUND, "Object not found", id)
    }

    pub(super) fn unknown_app(id: &str) -> Self {
        Self::new(Self::APP_NOT_FOUND, "App not found", id)
    }

    pub(super) fn app_already_open(id: &str) -> Self {
        Self::new(Self::APP_ALREADY_OPEN, "App already open", id)
    }

    pub(super) fn limit_reached(limit: &'static str) -> Self {
        Self::new(Self::LIMIT_REACHED, limit, "")
    }

    fn to_value(&self) -> Value {
        json!({ "code": self.code, "message": self.message, "parameter": self.parameter })
    }
}

/// A message that is no request, with what is known of its id.
#[derive(Debug)]
pub(super) struct Unusable {
    id: Value,
    fault: Fault,
}

impl Unusable {
    pub(super) fn answer(&self) -> Value {
        json!({ "jsonrpc": "2.0", "id": self.id, "error": self.fault.to_value() })
    }
}

/// Reads a text message.
pub(super) fn parse(text: &str) -> Result<Request, Unusable> {
    let unusable = |id: &Value, code, message, parameter: &str| Unusable {
        id: id.clone(),
        fault: Fault::new(code, message, parameter),
    };
    let mut message = match serde_json::from_str(text) {
        Ok(Value::Object(message)) => message,
        Ok(_) => {
            let what = "Batches are not supported; a request is an object";
            return Err(unusable(
                &Value::Null,
                Fault::INVALID_REQUEST,
                "Invalid request",
                what,
            ));
        }
        Err(error) => {
            let what = error.to_string();
            return Err(unusable(
                &Value::Null,
                Fault::PARSE_ERROR,
                "Parse error",
                &what,
            ));
        }
    };
    let id = message.remove("id");
    let known_id = id
        .clone()
        .filter(|id| !id.is_array() && !id.is_object())
        .unwrap_or_default();
    let invalid = |field| unusable(&known_id, Fault::INVALID_REQUEST, "Invalid request", field);
    if known_id.is_boolean() || id.as_ref().is_some_and(|id| *id != known_id) {
        return Err(invalid("id"));
    }
    let Some(Value::String(method)) = message.remove("method") else {
        return Err(invalid("method"));
    };
    let handle = match message.get("handle") {
        None => GLOBAL,
        Some(handle) => handle.as_i64().ok_or_else(|| invalid("handle"))?,
    };
    let params = message.remove("params").unwrap_or_default();
    let delta = message.get("delta") == Some(&Value::Bool(true));
    Ok(Request {
        id,
        handle,
        method,
        params,
        delta,
    })
}

impl Request {
    /// A parameter, by its place when the parameters came as an array, else by its name.
    pub(super) fn param(&self, place: usize, name: &str) -> Option<&Value> {
        match &self.params {
            Value::Array(params) => params.get(place),
            Value::Object(params) => params.get(name),
            _ => None,
        }
    }

    /// A parameter that has to be a text.
    pub(super) fn text(&self, place: usize, name: &str) -> Result<&str, Fault> {
        self.param(place, name)
            .and_then(Value::as_str)
            .ok_or_else(|| Fault::bad_parameter(name))
    }

    /// The message for `outcome`; none for a notification.
    pub(super) fn answer(&self, outcome: Result<Reply, Fault>) -> Option<Value> {
        let mut answer = json!({ "jsonrpc": "2.0", "id": self.id.as_ref()? });
        match outcome {
            Ok(reply) if self.delta => {
                answer["result"] = reply.result.into_iter().map(as_patch).collect();
                answer["delta"] = true.into();
                note_changes(&mut answer, reply.changed);
            }
            Ok(reply) => {
                answer["result"] = reply.result.into();
                note_changes(&mut answer, reply.changed);
            }
            Err(fault) => answer["error"] = fault.to_value(),
        }
        Some(answer)
    }
}

/// A whole value as a patch. The engine writes `/` for the root, where RFC 6901 has the empty text.
fn as_patch((name, value): (String, Value)) -> (String, Value) {
    (name, json!([{ "op": "add", "path": "/", "value": value }]))
}

fn note_changes(answer: &mut Value, changed: Vec<i64>) {
    if !changed.is_empty() {
        answer["change"] = changed.into();
    }
}

/// A message that nobody asked for.
pub(super) fn notification(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str) -> Value {
        parse(text).unwrap_err().answer()
    }

    #[test]
    fn enigmas_first_message_is_understood() {
        let text = r#"{"delta":true,"handle":-1,"method":"GetDocList","params":[],"id":1,"jsonrpc":"2.0"}"#;
        let request = parse(text).unwrap();
        assert_eq!(
            (request.handle, request.method.as_str()),
            (GLOBAL, "GetDocList")
        );
        assert_eq!(
            request
                .answer(Ok(Reply::of("qDocList", json!([1]))))
                .unwrap()
                .to_string(),
            r#"{"jsonrpc":"2.0","id":1,"result":{"qDocList":[{"op":"add","path":"/","value":[1]}]},"delta":true}"#
        );
    }

    #[test]
    fn without_delta_results_are_plain() {
        let request = parse(r#"{"id":"a","method":"X"}"#).unwrap();
        let reply = Reply {
            changed: vec![2],
            ..Reply::of("q", json!(1))
        };
        assert_eq!(
            request.answer(Ok(reply)).unwrap().to_string(),
            r#"{"jsonrpc":"2.0","id":"a","result":{"q":1},"change":[2]}"#
        );
    }

    #[test]
    fn a_notification_gets_no_answer() {
        let request = parse(r#"{"method":"X"}"#).unwrap();
        assert!(request.answer(Ok(Reply::default())).is_none());
        assert!(request.answer(Err(Fault::no_app_open())).is_none());
    }

    #[test]
    fn what_is_no_json_is_a_parse_error() {
        let deep = "[".repeat(100_000);
        for text in ["", "{", "nonsense", r#"{"id":1"#, "\u{0}", deep.as_str()] {
            let error = error_of(text);
            assert_eq!(error["error"]["code"], -32700);
            assert_eq!(error["id"], Value::Null);
        }
    }

    #[test]
    fn what_is_no_request_is_an_invalid_request() {
        for (text, id, parameter) in [
            (r#"{"id":7}"#, json!(7), "method"),
            (r#"{"id":7,"method":5}"#, json!(7), "method"),
            (
                r#"{"id":"x","method":"A","handle":"1"}"#,
                json!("x"),
                "handle",
            ),
            (r#"{"id":7,"method":"A","handle":1.5}"#, json!(7), "handle"),
            (r#"{"id":[1],"method":"A"}"#, Value::Null, "id"),
            (r#"{"id":{},"method":"A"}"#, Value::Null, "id"),
        ] {
            let error = error_of(text);
            assert_eq!(error["error"]["code"], -32600, "{text}");
            assert_eq!(error["error"]["parameter"], parameter, "{text}");
            assert_eq!(error["id"], id, "{text}");
        }
        assert_eq!(error_of("[]")["error"]["code"], -32600);
        assert_eq!(error_of("5")["error"]["code"], -32600);
    }

    #[test]
    fn parameters_come_by_place_or_by_name() {
        let placed = parse(r#"{"method":"OpenDoc","params":["a"]}"#).unwrap();
        let named = parse(r#"{"method":"OpenDoc","params":{"qDocName":"a"}}"#).unwrap();
        let none = parse(r#"{"method":"OpenDoc","params":"a"}"#).unwrap();
        assert_eq!(placed.text(0, "qDocName"), Ok("a"));
        assert_eq!(named.text(0, "qDocName"), Ok("a"));
        assert_eq!(
            none.text(0, "qDocName"),
            Err(Fault::bad_parameter("qDocName"))
        );
    }
}
