//! What the engine remembers for one session: the open app and the objects made in it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::catalogue::App;
use super::rpc::Fault;

/// Objects per session, and bytes of all their properties together: nobody fills the memory.
const MAX_OBJECTS: usize = 100;
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The handle of the open app.
pub(super) const DOC: i64 = 1;

/// The app that is open in a session.
#[derive(Debug)]
pub(super) enum OpenApp {
    /// One of the catalogue.
    Sample(&'static App),
    /// One that lives in this session only (Qlik engine API: CreateSessionApp), by its id.
    Transient(String),
}

impl OpenApp {
    /// The id by which clients know the app.
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Sample(app) => app.id,
            Self::Transient(id) => id,
        }
    }
}

/// An object of the open app.
#[derive(Debug)]
pub(super) struct SessionObject {
    pub(super) id: String,
    pub(super) kind: String,
    /// As the client sent them, with `qInfo` completed.
    pub(super) properties: Value,
    bytes: usize,
}

/// The state behind one engine socket, and behind its successors while it is kept.
#[derive(Debug, Default)]
pub(super) struct EngineSession {
    pub(super) app: Option<OpenApp>,
    objects: BTreeMap<i64, SessionObject>,
    /// How many handles were given out after [`DOC`]; none is used twice.
    issued: i64,
}

impl EngineSession {
    /// The object behind a handle.
    pub(super) fn object(&self, handle: i64) -> Result<&SessionObject, Fault> {
        self.objects
            .get(&handle)
            .ok_or_else(|| Fault::unknown_handle(handle))
    }

    /// The object with this id, and its handle.
    pub(super) fn object_by_id(&self, id: &str) -> Result<(i64, &SessionObject), Fault> {
        self.objects
            .iter()
            .find(|(_, object)| object.id == id)
            .map(|(handle, object)| (*handle, object))
            .ok_or_else(|| Fault::unknown_object(id))
    }

    /// Adds an object with these properties, which must be a JSON object, and gives its handle.
    pub(super) fn create(&mut self, properties: &Value) -> Result<i64, Fault> {
        if self.objects.len() >= MAX_OBJECTS {
            return Err(Fault::limit_reached(
                "A session of the demo may have 100 objects",
            ));
        }
        let object = SessionObject::new(properties, None)?;
        self.check_room(&object, 0)?;
        self.issued += 1;
        let handle = DOC + self.issued;
        self.objects.insert(handle, object);
        Ok(handle)
    }

    /// Gives an object other properties. Its id and type stay.
    pub(super) fn replace(&mut self, handle: i64, properties: &Value) -> Result<(), Fault> {
        let old = self.object(handle)?;
        let object = SessionObject::new(properties, Some(old))?;
        self.check_room(&object, old.bytes)?;
        self.objects.insert(handle, object);
        Ok(())
    }

    /// Removes the object with this id; whether there was one.
    pub(super) fn destroy(&mut self, id: &str) -> bool {
        let before = self.objects.len();
        self.objects.retain(|_, object| object.id != id);
        self.objects.len() < before
    }

    fn check_room(&self, object: &SessionObject, freed: usize) -> Result<(), Fault> {
        let used: usize = self.objects.values().map(|object| object.bytes).sum();
        if used - freed + object.bytes > MAX_BYTES {
            return Err(Fault::limit_reached(
                "The objects of a demo session may have 4 MiB",
            ));
        }
        Ok(())
    }
}

impl SessionObject {
    /// Id and type are those of `old`, else those that the properties name, else new ones.
    fn new(properties: &Value, old: Option<&Self>) -> Result<Self, Fault> {
        let Some(map) = properties.as_object() else {
            return Err(Fault::bad_parameter("qProp"));
        };
        let info = |name| {
            map.get("qInfo")
                .and_then(|info| info.get(name))
                .and_then(Value::as_str)
        };
        let (id, kind) = match old {
            Some(old) => (Some(old.id.as_str()), old.kind.as_str()),
            None => (info("qId"), info("qType").unwrap_or_default()),
        };
        let id = id.filter(|id| !id.is_empty());
        let id = id.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
        let kind = kind.to_owned();
        let mut map = map.clone();
        map.insert("qInfo".to_owned(), json!({ "qId": id, "qType": kind }));
        let properties = Value::Object(map);
        let bytes = properties.to_string().len();
        Ok(Self {
            id,
            kind,
            properties,
            bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_bounded_in_number_and_size() {
        let mut session = EngineSession::default();
        for _ in 0..MAX_OBJECTS {
            session.create(&json!({})).unwrap();
        }
        assert!(session.create(&json!({})).is_err());

        let mut session = EngineSession::default();
        let large = json!({ "text": "x".repeat(1024 * 1024) });
        let first = session.create(&large).unwrap();
        session.create(&large).unwrap();
        session.create(&large).unwrap();
        assert!(session.create(&large).is_err());
        session.replace(first, &json!({})).unwrap();
        session.create(&large).unwrap();
    }

    #[test]
    fn a_destroyed_objects_handle_is_not_given_out_again() {
        let mut session = EngineSession::default();
        let handle = session.create(&json!({ "qInfo": { "qId": "a" } })).unwrap();
        assert!(session.destroy("a"));
        assert!(!session.destroy("a"));
        assert_ne!(session.create(&json!({})).unwrap(), handle);
        assert!(session.object(handle).is_err());
    }
}
