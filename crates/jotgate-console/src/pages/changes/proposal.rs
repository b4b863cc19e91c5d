//! A change that somebody proposes, as forms carry it from page to page.

use jotgate_manage::{Draft, DraftContent, Edit, Kind, file};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::form::Fields;

/// A change, and the revision that it was made from.
pub(in crate::pages) struct Proposal {
    base: Option<u64>,
    content: DraftContent,
    /// What a form has to carry for it.
    text: Text,
    /// The form that it comes from and can go back to.
    pub(in crate::pages) origin: Option<Origin>,
}

enum Text {
    /// Edits, as JSON.
    Edits(String),
    /// A whole configuration, as TOML.
    File(String),
    /// The number of a revision.
    Revision(u64),
}

/// The edit page of a virtual proxy, with what is typed there.
pub(in crate::pages) struct Origin {
    /// Below `/qmc`.
    pub(in crate::pages) path: String,
    /// The version of the virtual proxy that was edited; empty for a new one.
    pub(in crate::pages) version: String,
    /// What a new one is a clone of.
    pub(in crate::pages) from: String,
    /// The properties, as JSON.
    pub(in crate::pages) typed: String,
}

impl Origin {
    /// From a posted form; a form goes back to an edit page only, whatever a hidden field says.
    pub(in crate::pages) fn read(fields: &Fields) -> Option<Self> {
        let text = |name| fields.text(name).to_owned();
        let name = fields.text("back").strip_prefix("/virtual-proxies/")?;
        (name == "new" || name.parse::<Uuid>().is_ok()).then(|| Self {
            path: text("back"),
            version: text("version"),
            from: text("from"),
            typed: text("typed"),
        })
    }

    /// Names and values of the hidden fields of a form that carries it on.
    pub(in crate::pages) fn hidden(&self) -> [(&'static str, String); 4] {
        [
            ("back", self.path.clone()),
            ("version", self.version.clone()),
            ("from", self.from.clone()),
            ("typed", self.typed.clone()),
        ]
    }
}

impl Proposal {
    pub(in crate::pages) fn edits(edits: Vec<Edit>) -> Self {
        let text = edits.iter().map(to_json).collect::<Value>().to_string();
        Self {
            base: None,
            content: DraftContent::Edits(edits),
            text: Text::Edits(text),
            origin: None,
        }
    }

    /// What was stored at a revision.
    pub(in crate::pages) fn revision(number: u64) -> Self {
        Self {
            base: None,
            content: DraftContent::Revision(number),
            text: Text::Revision(number),
            origin: None,
        }
    }

    /// From a posted form: `changes`, `restore` or `file`, and `base`.
    ///
    /// # Errors
    /// A sentence about what cannot be read.
    pub(super) fn read(fields: &Fields) -> Result<Self, String> {
        // One that cannot be read is not none: what others have saved since would be overwritten without a word.
        let base = match fields.text("base") {
            "" => None,
            text => Some(
                text.parse()
                    .map_err(|_| "base is not the number of a revision")?,
            ),
        };
        if let Ok(number) = fields.text("restore").parse() {
            return Ok(Self {
                base,
                ..Self::revision(number)
            });
        }
        let changes = fields.text("changes");
        if changes.is_empty() {
            let text = fields.text("file").replace("\r\n", "\n");
            if text.trim().is_empty() {
                return Err("Paste a configuration first.".to_owned());
            }
            let configuration = file::from_toml(&text);
            let configuration = configuration.map_err(|problem| format!("The file {problem}."))?;
            return Ok(Self {
                base,
                content: DraftContent::Configuration(configuration),
                text: Text::File(text),
                origin: None,
            });
        }
        let edits = serde_json::from_str::<Vec<Value>>(changes).ok();
        let edits = edits.and_then(|edits| edits.iter().map(from_json).collect::<Option<Vec<_>>>());
        let edits = edits.ok_or("The form holds no changes that can be read.")?;
        Ok(Self {
            base,
            origin: Origin::read(fields),
            ..Self::edits(edits)
        })
    }

    /// The same change of whatever is stored now.
    pub(super) fn rebased(self) -> Self {
        Self { base: None, ..self }
    }

    /// The same change, made from `revision` when it was made from none.
    pub(super) fn based_on(self, revision: u64) -> Self {
        Self {
            base: self.base.or(Some(revision)),
            ..self
        }
    }

    pub(super) fn draft(&self) -> Draft {
        Draft {
            base: self.base,
            content: self.content.clone(),
        }
    }

    /// The file that it is, as it was pasted.
    pub(super) fn file(&self) -> Option<&str> {
        match &self.text {
            Text::File(text) => Some(text),
            Text::Edits(_) | Text::Revision(_) => None,
        }
    }

    /// The revision that it makes hold again.
    pub(super) fn restores(&self) -> Option<u64> {
        match self.text {
            Text::Revision(number) => Some(number),
            Text::Edits(_) | Text::File(_) => None,
        }
    }

    /// Names and values of the hidden fields of a form that carries it on.
    pub(in crate::pages) fn hidden(&self) -> Vec<(&'static str, String)> {
        let mut hidden = vec![match &self.text {
            Text::Edits(text) => ("changes", text.clone()),
            Text::File(text) => ("file", text.clone()),
            Text::Revision(number) => ("restore", number.to_string()),
        }];
        if let Some(base) = self.base {
            hidden.push(("base", base.to_string()));
        }
        if let Some(origin) = &self.origin {
            hidden.extend(origin.hidden());
        }
        hidden
    }
}

fn to_json(edit: &Edit) -> Value {
    match edit {
        Edit::Put {
            kind,
            id,
            properties,
        } => {
            json!({"put": {"kind": kind.name(), "id": id.map(|id| id.to_string()), "properties": properties}})
        }
        Edit::Delete { kind, id } => {
            json!({"delete": {"kind": kind.name(), "id": id.to_string()}})
        }
    }
}

fn from_json(value: &Value) -> Option<Edit> {
    let kind = |change: &Map<String, Value>| Kind::from_name(change.get("kind")?.as_str()?);
    let id = |change: &Map<String, Value>| change.get("id")?.as_str()?.parse::<Uuid>().ok();
    if let Some(Value::Object(put)) = value.get("put") {
        return Some(Edit::Put {
            kind: kind(put)?,
            id: id(put),
            properties: put.get("properties")?.as_object()?.clone(),
        });
    }
    let Some(Value::Object(delete)) = value.get("delete") else {
        return None;
    };
    Some(Edit::Delete {
        kind: kind(delete)?,
        id: id(delete)?,
    })
}
