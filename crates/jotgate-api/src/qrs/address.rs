//! What can be asked: addresses and the methods of each.
//!
//! Addresses are compared in any case, and empty segments do not count: clients write
//! `/qrs/proxyService/` as well as `/qrs//proxyservice`.

use http::Method;
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::entity::EntityType;
use super::foreign::Foreign;
use crate::problem::Problem;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// `about`: the program.
    About,
    /// `about/api/...` and `about/openapi/...`: the interface.
    Described(Description),
    /// `certificatedistribution/exportcertificates`
    Certificates,
    /// `certificatedistribution/exportcertificatespath`
    CertificatesPath,
    /// `{entity}/...`
    Entity(EntityType, Part),
    /// What only the real system's repository has.
    Foreign(Foreign),
    /// `ssl/ping`: whether the certificate was accepted.
    Ping,
    /// `virtualproxyconfig/{id}/generate/samlmetadata`
    SamlMetadata(Uuid),
    /// `selection/{id}/{entity}/...`
    Selected(Uuid, EntityType, Part),
    /// `selection/{id}`
    Selection(Uuid),
    /// `selection/{entity}`: a new one, of all that a filter finds.
    SelectionOf(EntityType),
    /// `selection`
    Selections,
}

/// What of an entity type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of them in short, or a new one.
    Collection,
    /// `count`: how many.
    Count,
    /// `full`: all of them.
    Full,
    /// `{id}`: one.
    Item(Uuid),
    /// `local`: the one of this machine.
    Local,
    /// `many`: several new ones.
    Many,
    /// `previewcreateprivilege`: whether the caller may create that.
    PreviewCreatePrivilege,
    /// `previewprivileges`: what the caller may do with that.
    PreviewPrivileges,
    /// `synthetic`: the selected ones as if they were one.
    Synthetic,
    /// `table`: chosen columns of all of them.
    Table,
}

/// What is told of the interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Description {
    /// `about/api/default`: a new entity of each type.
    AllDefaults,
    /// `about/api/description`: every address.
    Addresses,
    /// `about/api/default/{entity}`
    Default(EntityType),
    /// `about/api/enums`: the enumerations.
    Enumerations,
    /// `about/openapi/{interface}`
    Interface(String),
    /// `about/openapi`: the names of the interfaces.
    Interfaces,
    /// `about/api/relations`: which property leads to which type.
    Relations,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// Makes something, or asks with a body.
    Create,
    /// Deletes.
    Delete,
    /// Changes nothing.
    Read,
    /// Replaces.
    Update,
}

impl Address {
    /// Finds what the path of a request asks for.
    ///
    /// # Errors
    /// 404 for an address that does not exist, 400 for an entity with something else than an id.
    pub(super) fn parse(path: &str) -> Result<Self, Problem> {
        let unknown = || Problem::not_found("There is nothing at this address.");
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let segments: Option<Vec<String>> = segments.map(decode).collect();
        let segments = segments.ok_or_else(unknown)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let Some((&"qrs", segments)) = segments.split_first() else {
            return Err(unknown());
        };
        let entity = |name: &str| EntityType::from_segment(name).ok_or_else(unknown);
        match *segments {
            ["about", ref rest @ ..] => about(rest).ok_or_else(unknown),
            ["ssl", "ping"] => Ok(Self::Ping),
            ["certificatedistribution", "exportcertificates"] => Ok(Self::Certificates),
            ["certificatedistribution", "exportcertificatespath"] => Ok(Self::CertificatesPath),
            ["selection"] => Ok(Self::Selections),
            ["selection", one] => match one.parse() {
                Ok(id) => Ok(Self::Selection(id)),
                Err(_) => entity(one).map(Self::SelectionOf),
            },
            ["selection", id, name, ref rest @ ..] => {
                let id = id.parse().map_err(|_| no_id(id))?;
                let entity = entity(name)?;
                match *rest {
                    [] => Ok(Self::Selected(id, entity, Part::Collection)),
                    ["synthetic"] => Ok(Self::Selected(id, entity, Part::Synthetic)),
                    [part @ ("count" | "full" | "table")] => {
                        Ok(Self::Selected(id, entity, Part::parse(entity, part)?))
                    }
                    _ => Err(unknown()),
                }
            }
            ["virtualproxyconfig", id, "generate", "samlmetadata"] => {
                id.parse().map(Self::SamlMetadata).map_err(|_| no_id(id))
            }
            ref all if let Some(foreign) = Foreign::find(all) => Ok(Self::Foreign(foreign)),
            [name] => Ok(Self::Entity(entity(name)?, Part::Collection)),
            [name, part] => {
                let entity = entity(name)?;
                Ok(Self::Entity(entity, Part::parse(entity, part)?))
            }
            _ => Err(unknown()),
        }
    }

    /// What a method does here.
    ///
    /// # Errors
    /// 405 with the methods that do something.
    pub(super) fn verb(&self, method: &Method) -> Result<Verb, Problem> {
        let verbs = self.verbs();
        let verb = match *method {
            Method::GET | Method::HEAD => Verb::Read,
            Method::POST if self.is_proxy_service() => Verb::Update,
            Method::POST => Verb::Create,
            Method::PUT => Verb::Update,
            Method::DELETE => Verb::Delete,
            _ => return Err(Problem::method_not_allowed(self.allow())),
        };
        if verbs.contains(&verb) {
            Ok(verb)
        } else {
            Err(Problem::method_not_allowed(self.allow()))
        }
    }

    /// What can be done here.
    pub(super) fn verbs(&self) -> &'static [Verb] {
        use Verb::{Create, Delete, Read, Update};
        match self {
            Self::Entity(entity, part) => match part {
                Part::Collection if entity.can_be_created() => &[Read, Create],
                Part::Many if !entity.is_edited_together() => &[],
                Part::PreviewCreatePrivilege if !entity.can_be_created() => &[],
                Part::Many
                | Part::PreviewCreatePrivilege
                | Part::PreviewPrivileges
                | Part::Table => &[Create],
                Part::Item(_) if entity.can_be_created() => &[Delete, Read, Update],
                Part::Item(_) if entity.kind().is_some() => &[Read, Update],
                _ => &[Read],
            },
            Self::Selected(_, entity, part) => match part {
                Part::Collection if entity.is_edited_together() => &[Delete, Read],
                Part::Synthetic if entity.kind().is_some() => &[Read, Update],
                Part::Table => &[Create],
                _ => &[Read],
            },
            Self::Selection(_) => &[Delete, Read, Update],
            Self::Selections => &[Read, Create],
            Self::SelectionOf(_) | Self::Certificates => &[Create],
            Self::Foreign(foreign) => foreign.verbs(),
            _ => &[Read],
        }
    }

    /// The methods that do something here, as the header `Allow` has them.
    fn allow(&self) -> &'static str {
        use Verb::{Create, Delete, Read, Update};
        match self.verbs() {
            _ if self.is_proxy_service() => "GET, HEAD, POST, PUT",
            [Create] => "POST",
            [Delete, Read] => "DELETE, GET, HEAD",
            [Delete, Read, Update] => "DELETE, GET, HEAD, PUT",
            [Read] => "GET, HEAD",
            [Read, Create] => "GET, HEAD, POST",
            [Read, Update] => "GET, HEAD, PUT",
            _ => "",
        }
    }

    /// One client updates proxy services by POST.
    const fn is_proxy_service(&self) -> bool {
        matches!(self, Self::Entity(EntityType::ProxyService, Part::Item(_)))
    }

    /// The longest body, in bytes. A virtual proxy may carry a certificate bundle and SAML metadata
    /// of 100,000 characters each; a proxy service comes back with every virtual proxy that is
    /// linked to it.
    pub(super) const fn body_limit(&self) -> usize {
        const MIB: usize = 1024 * 1024;
        match self {
            Self::Entity(EntityType::ProxyService, _) | Self::Entity(_, Part::Many) => 16 * MIB,
            _ => MIB,
        }
    }
}

impl Part {
    fn parse(entity: EntityType, part: &str) -> Result<Self, Problem> {
        match part {
            "count" => Ok(Self::Count),
            "full" => Ok(Self::Full),
            "local" if entity.has_local() => Ok(Self::Local),
            "many" => Ok(Self::Many),
            "previewcreateprivilege" => Ok(Self::PreviewCreatePrivilege),
            "previewprivileges" => Ok(Self::PreviewPrivileges),
            "table" => Ok(Self::Table),
            id => id.parse().map(Self::Item).map_err(|_| no_id(id)),
        }
    }
}

/// What is below `about`.
fn about(rest: &[&str]) -> Option<Address> {
    let description = match *rest {
        [] => return Some(Address::About),
        ["api", "default"] => Description::AllDefaults,
        ["api", "default", entity] => Description::Default(EntityType::from_segment(entity)?),
        ["api", "description"] => Description::Addresses,
        ["api", "enums"] => Description::Enumerations,
        ["api", "relations"] => Description::Relations,
        ["openapi"] => Description::Interfaces,
        ["openapi", name] => Description::Interface(name.to_owned()),
        _ => return None,
    };
    Some(Address::Described(description))
}

fn decode(segment: &str) -> Option<String> {
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    Some(decoded.to_ascii_lowercase())
}

fn no_id(text: &str) -> Problem {
    Problem::bad_request(format!(
        "The address has {text:?} where the id of an entity is expected."
    ))
}

#[cfg(test)]
mod tests;
