//! What can be asked of QPS.
//!
//! Addresses are compared in any case, and empty segments do not count: the default virtual proxy is
//! written as `/qps/session` by some and as `/qps//session` by others. Prefixes and what is below
//! `session` and `user` are taken as they are.

use http::Method;
use jotgate_model::User;
use percent_encoding::percent_decode_str;

use crate::problem::Problem;

/// The longest prefix, id or name in an address, in bytes after decoding.
const MAX_SEGMENT: usize = 1024;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The prefix of the virtual proxy; empty for the default one.
    pub(super) prefix: String,
    /// What is asked for there.
    pub(super) resource: Resource,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    /// `about/openapi/{interface}`
    Interface(String),
    /// `about/openapi`: the names of the interfaces.
    Interfaces,
    /// `about/description`: every address.
    Addresses,
    /// `alive`
    Alive,
    /// `about/default`: an empty one of each type.
    Defaults,
    /// `about/enums`: the enumerations.
    Enumerations,
    /// `error`: what a module of the real system complains about.
    Error,
    /// `health`
    Health,
    /// `notified`: what the real repository says when something has changed.
    Notified,
    /// `about/relations`: which property leads to which type.
    Relations,
    /// `session/{id}`
    Session(String),
    /// `session`
    Sessions,
    /// `ticket`
    Tickets,
    /// `user/{directory}/{id}`
    User(User),
}

impl Address {
    /// Finds what the path of a request asks for.
    ///
    /// # Errors
    /// 404 for an address that does not exist.
    pub(super) fn parse(path: &str) -> Result<Self, Problem> {
        let unknown = || Problem::not_found("There is nothing at this address.");
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let segments: Option<Vec<String>> = segments.map(decode).collect();
        let segments = segments.ok_or_else(unknown)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let rest = match *segments.as_slice() {
            [first, ref rest @ ..] if first.eq_ignore_ascii_case("qps") => rest.to_vec(),
            // One client puts the prefix in front, as it stands in addresses of the gateway.
            [prefix, second, ref rest @ ..] if second.eq_ignore_ascii_case("qps") => {
                [&[prefix], rest].concat()
            }
            _ => return Err(unknown()),
        };
        let rest = rest.as_slice();
        // A prefix is none of these words: they are reserved, or no virtual proxy of that name could
        // be asked for here.
        if let Some(resource) = resource(rest) {
            return Ok(Self {
                prefix: String::new(),
                resource,
            });
        }
        let (prefix, rest) = rest.split_first().ok_or_else(unknown)?;
        match resource(rest) {
            Some(
                resource @ (Resource::Session(_)
                | Resource::Sessions
                | Resource::Tickets
                | Resource::User(_)),
            ) => Ok(Self {
                prefix: (*prefix).to_owned(),
                resource,
            }),
            _ => Err(unknown()),
        }
    }

    /// Whether the method does something here.
    ///
    /// # Errors
    /// 405 with the methods that do.
    pub(super) fn check_method(&self, method: &Method) -> Result<(), Problem> {
        let allow = match self.resource {
            Resource::Addresses
            | Resource::Alive
            | Resource::Defaults
            | Resource::Enumerations
            | Resource::Health
            | Resource::Interface(_)
            | Resource::Interfaces
            | Resource::Relations => "GET, HEAD",
            Resource::Error | Resource::Notified | Resource::Tickets => "POST",
            Resource::Session(_) | Resource::User(_) => "DELETE, GET, HEAD",
            Resource::Sessions => "GET, HEAD, POST",
        };
        if allow.split(", ").any(|allowed| allowed == method.as_str()) {
            Ok(())
        } else {
            Err(Problem::method_not_allowed(allow))
        }
    }
}

fn resource(segments: &[&str]) -> Option<Resource> {
    let (name, rest) = segments.split_first()?;
    let name = name.to_ascii_lowercase();
    match (name.as_str(), rest) {
        ("about", [what, name]) if what.eq_ignore_ascii_case("openapi") => {
            Some(Resource::Interface((*name).to_owned()))
        }
        ("about", [what]) => match what.to_ascii_lowercase().as_str() {
            "default" => Some(Resource::Defaults),
            "description" => Some(Resource::Addresses),
            "enums" => Some(Resource::Enumerations),
            "openapi" => Some(Resource::Interfaces),
            "relations" => Some(Resource::Relations),
            _ => None,
        },
        ("alive", []) => Some(Resource::Alive),
        ("error", []) => Some(Resource::Error),
        ("health", []) => Some(Resource::Health),
        ("notified", []) => Some(Resource::Notified),
        ("session", []) => Some(Resource::Sessions),
        ("session", [id]) => Some(Resource::Session((*id).to_owned())),
        ("ticket", []) => Some(Resource::Tickets),
        ("user", [directory, id]) => Some(Resource::User(User::new(*directory, *id))),
        _ => None,
    }
}

fn decode(segment: &str) -> Option<String> {
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    (decoded.len() <= MAX_SEGMENT).then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str) -> (String, Resource) {
        let address = Address::parse(path).unwrap();
        (address.prefix, address.resource)
    }

    #[test]
    fn the_prefix_may_be_missing_or_empty() {
        for path in ["/qps/session", "/qps//session/", "/QPS/Session"] {
            assert_eq!(parse(path), (String::new(), Resource::Sessions), "{path}");
        }
        assert_eq!(
            parse("/jwt/qps/session"),
            ("jwt".into(), Resource::Sessions)
        );
        assert_eq!(
            parse("/qps/jwt/session"),
            ("jwt".into(), Resource::Sessions)
        );
        let id = Resource::Session("AbC-1".into());
        assert_eq!(parse("/qps/jwt/SESSION/AbC-1"), ("jwt".into(), id.clone()));
        assert_eq!(parse("/qps/session/AbC-1"), (String::new(), id));
        // An id that reads like a resource is an id.
        let id = Resource::Session("session".into());
        assert_eq!(parse("/qps/session/session"), (String::new(), id));
    }

    #[test]
    fn the_interface_is_described() {
        let name = Resource::Interface("Proxy Main API".into());
        for (path, resource) in [
            ("/qps/about/description", Resource::Addresses),
            ("/qps/about/openapi/", Resource::Interfaces),
            ("/qps/about/Default", Resource::Defaults),
            ("/qps/about/enums", Resource::Enumerations),
            ("/qps/about/relations", Resource::Relations),
            ("/QPS/About/OpenAPI/Proxy%20Main%20API", name),
        ] {
            assert_eq!(parse(path), (String::new(), resource), "{path}");
        }
        assert!(Address::parse("/qps/jwt/about/openapi").is_err());
    }

    #[test]
    fn names_of_users_are_decoded() {
        let user = Resource::User(User::new("Büro", "a/b"));
        assert_eq!(
            parse("/qps/user/B%C3%BCro/a%2Fb"),
            (String::new(), user.clone())
        );
        assert_eq!(parse("/qps/jwt/user/B%C3%BCro/a%2fb"), ("jwt".into(), user));
    }

    #[test]
    fn what_does_not_exist_is_said_so() {
        let long = format!("/qps/session/{}", "a".repeat(1025));
        for path in [
            "/",
            "/qps",
            "/qps/",
            "/qps/jwt",
            "/qps/jwt/alive",
            "/qps/user/a",
            "/qps/user/a/b/c",
            "/qrs/session",
            "/qps/a/b/session",
            "/qps/session/%ff",
            "/session",
            &long,
        ] {
            assert_eq!(Address::parse(path).unwrap_err().status, 404, "{path}");
        }
    }

    #[test]
    fn each_address_has_its_methods() {
        let check = |path, method: Method| {
            let address = Address::parse(path).unwrap();
            address
                .check_method(&method)
                .map_err(|problem| problem.status.as_u16())
        };
        assert_eq!(check("/qps/session", Method::POST), Ok(()));
        assert_eq!(check("/qps/session", Method::DELETE), Err(405));
        assert_eq!(check("/qps/session/a", Method::DELETE), Ok(()));
        assert_eq!(check("/qps/alive", Method::POST), Err(405));
        assert_eq!(check("/qps/notified", Method::GET), Err(405));
        assert_eq!(check("/qps/user/a/b", Method::GET), Ok(()));
    }
}
