//! What can be asked: addresses and the methods of each.
//!
//! Addresses are compared in any case, and empty segments do not count: clients write
//! `/qrs/proxyService/` as well as `/qrs//proxyservice`.

use http::Method;
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::entity::EntityType;
use crate::problem::Problem;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// `about`: the program.
    About,
    /// `{entity}`: all of them in short, or a new one.
    Collection(EntityType),
    /// `{entity}/count`: how many.
    Count(EntityType),
    /// `about/api/enums`: the enumerations.
    Enumerations,
    /// `{entity}/full`: all of them.
    Full(EntityType),
    /// `{entity}/{id}`: one.
    Item(EntityType, Uuid),
    /// `{entity}/local`: the one of this machine.
    Local(EntityType),
    /// `ssl/ping`: whether the certificate was accepted.
    Ping,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// Makes an entity.
    Create,
    /// Deletes an entity.
    Delete,
    /// Changes nothing.
    Read,
    /// Replaces an entity.
    Update,
}

impl Address {
    /// Finds what the path of a request asks for.
    ///
    /// # Errors
    /// 404 for an address that does not exist, 400 for an entity with something else than an id.
    pub(super) fn parse(path: &str) -> Result<Self, Problem> {
        let unknown = || Problem::not_found("There is nothing at this address.");
        let decode = |segment: &str| {
            let decoded = percent_decode_str(segment).decode_utf8().ok()?;
            Some(decoded.to_ascii_lowercase())
        };
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let segments: Option<Vec<String>> = segments.map(decode).collect();
        let segments = segments.ok_or_else(unknown)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match *segments.as_slice() {
            ["qrs", "about"] => Ok(Self::About),
            ["qrs", "about", "api", "enums"] => Ok(Self::Enumerations),
            ["qrs", "ssl", "ping"] => Ok(Self::Ping),
            ["qrs", entity] => {
                let entity = EntityType::from_segment(entity).ok_or_else(unknown)?;
                Ok(Self::Collection(entity))
            }
            ["qrs", entity, part] => {
                let entity = EntityType::from_segment(entity).ok_or_else(unknown)?;
                Self::part(entity, part)
            }
            _ => Err(unknown()),
        }
    }

    fn part(entity: EntityType, part: &str) -> Result<Self, Problem> {
        match part {
            "count" => Ok(Self::Count(entity)),
            "full" => Ok(Self::Full(entity)),
            "local" if entity != EntityType::VirtualProxyConfig => Ok(Self::Local(entity)),
            id => match id.parse() {
                Ok(id) => Ok(Self::Item(entity, id)),
                Err(_) => Err(Problem::bad_request(format!(
                    "The address ends with {id:?}, which is no id of an entity."
                ))),
            },
        }
    }

    /// What a method does here.
    ///
    /// # Errors
    /// 405 with the methods that do something.
    pub(super) fn verb(self, method: &Method) -> Result<Verb, Problem> {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let (verb, allow) = match self {
            Self::Collection(entity) if entity.can_be_created() => (
                (*method == Method::POST).then_some(Verb::Create),
                "GET, HEAD, POST",
            ),
            // One client updates proxy services by POST.
            Self::Item(EntityType::ProxyService, _) => (
                matches!(*method, Method::POST | Method::PUT).then_some(Verb::Update),
                "GET, HEAD, POST, PUT",
            ),
            Self::Item(..) => {
                let verb = match *method {
                    Method::DELETE => Some(Verb::Delete),
                    Method::PUT => Some(Verb::Update),
                    _ => None,
                };
                (verb, "DELETE, GET, HEAD, PUT")
            }
            _ => (None, "GET, HEAD"),
        };
        verb.or_else(|| reads.then_some(Verb::Read))
            .ok_or_else(|| Problem::method_not_allowed(allow))
    }

    /// The longest body, in bytes. A virtual proxy may carry a certificate bundle and SAML metadata
    /// of 100,000 characters each; a proxy service comes back with every virtual proxy that is
    /// linked to it.
    pub(super) fn body_limit(self) -> usize {
        const MIB: usize = 1024 * 1024;
        match self {
            Self::Item(EntityType::ProxyService, _) => 16 * MIB,
            _ => MIB,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_empty_segments_do_not_count() {
        let item = Address::Item(EntityType::ProxyService, Uuid::from_u128(1));
        for path in [
            "/qrs/proxyservice/00000000-0000-0000-0000-000000000001",
            "/QRS//proxyService/00000000-0000-0000-0000-000000000001/",
            "/qrs/%70roxyservice/00000000000000000000000000000001",
        ] {
            assert_eq!(Address::parse(path), Ok(item), "{path}");
        }
        assert_eq!(Address::parse("/qrs/about//"), Ok(Address::About));
    }

    #[test]
    fn what_does_not_exist_is_said_so() {
        for path in [
            "/",
            "/qrs",
            "/qrs/app",
            "/about",
            "/qrs/about/x",
            "/qrs/%ff",
            "/qrs/virtualproxyconfig%2ffull",
            "/qrs/virtualproxyconfig/full/x",
            "/qrs/../qrs/about",
        ] {
            assert_eq!(Address::parse(path).unwrap_err().status, 404, "{path}");
        }
        for path in ["/qrs/virtualproxyconfig/local", "/qrs/proxyservice/1"] {
            assert_eq!(Address::parse(path).unwrap_err().status, 400, "{path}");
        }
    }

    #[test]
    fn each_address_has_its_methods() {
        let id = Uuid::nil();
        let verb = |address: Address, method| address.verb(&method).map_err(|p| p.status.as_u16());
        let nodes = Address::Collection(EntityType::ServerNodeConfiguration);
        assert_eq!(verb(nodes, Method::POST), Ok(Verb::Create));
        assert_eq!(verb(nodes, Method::PUT), Err(405));
        let proxies = Address::Collection(EntityType::ProxyService);
        assert_eq!(verb(proxies, Method::GET), Ok(Verb::Read));
        assert_eq!(verb(proxies, Method::POST), Err(405));
        let proxy = Address::Item(EntityType::ProxyService, id);
        assert_eq!(verb(proxy, Method::POST), Ok(Verb::Update));
        assert_eq!(verb(proxy, Method::PUT), Ok(Verb::Update));
        assert_eq!(verb(proxy, Method::DELETE), Err(405));
        let virtual_proxy = Address::Item(EntityType::VirtualProxyConfig, id);
        assert_eq!(verb(virtual_proxy, Method::DELETE), Ok(Verb::Delete));
        assert_eq!(verb(virtual_proxy, Method::HEAD), Ok(Verb::Read));
        assert_eq!(verb(virtual_proxy, Method::POST), Err(405));
        assert_eq!(verb(Address::About, Method::OPTIONS), Err(405));
    }
}
