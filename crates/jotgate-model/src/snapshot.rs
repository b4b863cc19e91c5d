//! The whole configuration at one revision, immutable.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use uuid::Uuid;

use crate::entity::{
    CustomPropertyDefinition, ProxyService, ServerNodeConfiguration, Tag, VirtualProxyConfig,
};
use crate::{Authentication, FieldErrors, Node, VirtualProxy};

/// Every document of the configuration. Cheap to copy: the documents are shared.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// The virtual proxies.
    pub virtual_proxies: BTreeMap<Uuid, Arc<VirtualProxyConfig>>,
    /// The gateways.
    pub proxy_services: BTreeMap<Uuid, Arc<ProxyService>>,
    /// The machines.
    pub nodes: BTreeMap<Uuid, Arc<ServerNodeConfiguration>>,
    /// The tags.
    pub tags: BTreeMap<Uuid, Arc<Tag>>,
    /// The custom properties.
    pub custom_properties: BTreeMap<Uuid, Arc<CustomPropertyDefinition>>,
}

/// What requests are judged by: the documents of one revision, parsed and linked.
///
/// Loaded once per request and passed down, so that one request never sees two configurations.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Counts up with every change.
    pub revision: u64,
    /// What it was built from.
    pub documents: Documents,
    /// The gateway that this process is.
    pub proxy_id: Uuid,
    virtual_proxies: HashMap<Uuid, Arc<VirtualProxy>>,
    by_prefix: HashMap<Box<str>, Arc<VirtualProxy>>,
    default: Option<Arc<VirtualProxy>>,
    nodes: HashMap<Uuid, Arc<Node>>,
    cookie_names: HashSet<Box<[u8]>>,
    /// Who may assert the user directories that are bound, by their names in lower case.
    bound_directories: HashMap<Box<str>, Vec<Uuid>>,
}

impl Snapshot {
    /// What is served before the first configuration has been read: nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            revision: 0,
            documents: Documents::default(),
            proxy_id: Uuid::nil(),
            virtual_proxies: HashMap::new(),
            by_prefix: HashMap::new(),
            default: None,
            nodes: HashMap::new(),
            cookie_names: HashSet::new(),
            bound_directories: HashMap::new(),
        }
    }

    /// Parses and links the documents, for the gateway `proxy_id`. What `previous` has parsed from
    /// the very same documents is taken over.
    ///
    /// # Errors
    /// Everything that is wrong, each with its field. Nothing is served from a configuration that
    /// is wrong anywhere: the previous snapshot goes on.
    pub fn build(
        revision: u64,
        documents: Documents,
        proxy_id: Uuid,
        previous: Option<&Self>,
    ) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let nodes = parse_all(
            &documents.nodes,
            previous.map(|p| (&p.documents.nodes, &p.nodes)),
            Node::parse,
            &mut errors,
        );
        let virtual_proxies = parse_all(
            &documents.virtual_proxies,
            previous.map(|p| (&p.documents.virtual_proxies, &p.virtual_proxies)),
            |document| VirtualProxy::parse(document, revision),
            &mut errors,
        );
        check_unique(&virtual_proxies, &mut errors);
        check_references(&documents, &nodes, &virtual_proxies, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let linked = documents
            .proxy_services
            .get(&proxy_id)
            .map(|p| p.settings.virtual_proxies.as_slice());
        let linked: Vec<_> = linked
            .unwrap_or_default()
            .iter()
            .filter_map(|id| virtual_proxies.get(id))
            .cloned()
            .collect();
        Ok(Self {
            revision,
            proxy_id,
            default: linked.iter().find(|vp| vp.is_default).cloned(),
            by_prefix: linked
                .into_iter()
                .filter(|vp| !vp.is_default)
                .map(|vp| (vp.prefix.as_str().into(), vp))
                .collect(),
            cookie_names: cookie_names(&virtual_proxies),
            bound_directories: bound_directories(&virtual_proxies),
            documents,
            virtual_proxies,
            nodes,
        })
    }

    /// The virtual proxy of exactly this prefix, if it is linked to this gateway.
    #[must_use]
    pub fn by_prefix(&self, prefix: &str) -> Option<&Arc<VirtualProxy>> {
        self.by_prefix.get(prefix)
    }

    /// The virtual proxy that takes what no prefix claims, if it is linked to this gateway.
    #[must_use]
    pub const fn default_virtual_proxy(&self) -> Option<&Arc<VirtualProxy>> {
        self.default.as_ref()
    }

    /// A virtual proxy by its id, linked or not.
    #[must_use]
    pub fn virtual_proxy(&self, id: Uuid) -> Option<&Arc<VirtualProxy>> {
        self.virtual_proxies.get(&id)
    }

    /// Whether a virtual proxy is linked to this gateway.
    #[must_use]
    pub fn is_linked(&self, id: Uuid) -> bool {
        let proxy = self.documents.proxy_services.get(&self.proxy_id);
        proxy.is_some_and(|proxy| proxy.settings.virtual_proxies.contains(&id))
    }

    /// Every virtual proxy, linked or not.
    pub fn virtual_proxies(&self) -> impl Iterator<Item = &Arc<VirtualProxy>> {
        self.virtual_proxies.values()
    }

    /// Whether a cookie of that name holds a session of any virtual proxy, or begins one.
    #[must_use]
    pub fn is_own_cookie(&self, name: &[u8]) -> bool {
        let (_, digits) = name.split_at(name.len().saturating_sub(1));
        let begins_one = digits.iter().all(u8::is_ascii_digit)
            && name[..name.len().saturating_sub(1)]
                .strip_suffix(SIGN_IN.as_bytes())
                .is_some_and(|name| self.cookie_names.contains(name));
        begins_one || self.cookie_names.contains(name)
    }

    /// Whether users of `directory` may sign in at a virtual proxy: it is bound to no other ones.
    #[must_use]
    pub fn may_assert(&self, virtual_proxy: Uuid, directory: &str) -> bool {
        if self.bound_directories.is_empty() {
            return true;
        }
        let directory = directory.to_ascii_lowercase();
        self.bound_directories
            .get(&*directory)
            .is_none_or(|bound| bound.contains(&virtual_proxy))
    }

    /// A node by its id.
    #[must_use]
    pub fn node(&self, id: Uuid) -> Option<&Arc<Node>> {
        self.nodes.get(&id)
    }

    /// Every node.
    pub fn nodes(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.nodes.values()
    }
}

fn cookie_names(virtual_proxies: &Parsed<VirtualProxy>) -> HashSet<Box<[u8]>> {
    virtual_proxies
        .values()
        .flat_map(|vp| [vp.cookie.https.name.as_str(), vp.cookie.http.name.as_str()])
        .map(|name| name.as_bytes().into())
        .collect()
}

fn bound_directories(virtual_proxies: &Parsed<VirtualProxy>) -> HashMap<Box<str>, Vec<Uuid>> {
    let mut bound: HashMap<Box<str>, Vec<Uuid>> = HashMap::new();
    for vp in virtual_proxies.values() {
        for directory in &vp.bound_directories {
            bound.entry(directory.clone()).or_default().push(vp.id);
        }
    }
    bound
}

/// What stands between the name of a session cookie and the number of a [`sign_in_cookie_name`].
const SIGN_IN: &str = "-SignIn-";

/// The cookie that a browser holds while it signs in, next to the session cookie `name`. There are a
/// few, told apart by `number`, because several tabs may be on their way to the sign-in page.
#[must_use]
pub fn sign_in_cookie_name(name: &str, number: u8) -> String {
    format!("{name}{SIGN_IN}{number}")
}

type Of<D> = BTreeMap<Uuid, Arc<D>>;
type Parsed<T> = HashMap<Uuid, Arc<T>>;

/// Parses every document that `previous` has not parsed already.
fn parse_all<D, T>(
    documents: &Of<D>,
    previous: Option<(&Of<D>, &Parsed<T>)>,
    parse: impl Fn(&D) -> Result<T, FieldErrors>,
    errors: &mut FieldErrors,
) -> Parsed<T> {
    let unchanged = |id: &Uuid, document: &Arc<D>| {
        let (documents, parsed) = previous?;
        documents
            .get(id)
            .filter(|old| Arc::ptr_eq(old, document))
            .and_then(|_| parsed.get(id))
            .cloned()
    };
    let mut result = HashMap::with_capacity(documents.len());
    for (id, document) in documents {
        let parsed = match unchanged(id, document) {
            Some(parsed) => parsed,
            None => match parse(document) {
                Ok(parsed) => Arc::new(parsed),
                Err(found) => {
                    errors.0.extend(found.0);
                    continue;
                }
            },
        };
        result.insert(*id, parsed);
    }
    result
}

/// Prefixes and cookie names lead to one virtual proxy each.
fn check_unique(virtual_proxies: &HashMap<Uuid, Arc<VirtualProxy>>, errors: &mut FieldErrors) {
    let mut prefixes = HashMap::with_capacity(virtual_proxies.len());
    let mut cookies = HashMap::with_capacity(virtual_proxies.len());
    // In an order of their own, so that the same mistake is always told in the same words.
    let mut sorted: Vec<_> = virtual_proxies.values().collect();
    sorted.sort_unstable_by_key(|vp| vp.id);
    for vp in sorted.iter().copied() {
        if let Some(other) = prefixes.insert(vp.prefix.as_str(), vp) {
            errors.push("prefix", taken("prefix", vp.prefix.as_str(), vp, other));
        }
        // Browsers compare cookie names exactly, people do not.
        let cookie = vp.cookie.https.name.as_str();
        if let Some(other) = cookies.insert(cookie.to_ascii_lowercase(), vp) {
            errors.push(
                "sessionCookieHeaderName",
                taken("cookie name", cookie, vp, other),
            );
        }
    }
    for vp in sorted {
        let over_http = vp.cookie.http.name.as_str().to_ascii_lowercase();
        if let Some(other) = cookies.get(&over_http) {
            let name = vp.cookie.http.name.as_str();
            errors.push(
                "sessionCookieHeaderName",
                taken("cookie name over plain HTTP", name, vp, other),
            );
        }
    }
}

fn taken(what: &str, value: &str, a: &VirtualProxy, b: &VirtualProxy) -> String {
    let mut names = [&*a.description, &*b.description];
    names.sort_unstable();
    format!(
        "the {what} \"{value}\" is used by two virtual proxies, \"{}\" and \"{}\"; choose another",
        names[0], names[1]
    )
}

fn check_references(
    documents: &Documents,
    nodes: &HashMap<Uuid, Arc<Node>>,
    virtual_proxies: &HashMap<Uuid, Arc<VirtualProxy>>,
    errors: &mut FieldErrors,
) {
    for document in documents.virtual_proxies.values() {
        for id in &document.load_balancing_server_nodes {
            if !documents.nodes.contains_key(id) && !nodes.contains_key(id) {
                errors.push(
                    "loadBalancingServerNodes",
                    format!("there is no node with the id {id}"),
                );
            }
        }
    }
    for proxy in documents.proxy_services.values() {
        for id in &proxy.settings.virtual_proxies {
            match virtual_proxies.get(id) {
                None if documents.virtual_proxies.contains_key(id) => {}
                None => errors.push(
                    "settings.virtualProxies",
                    format!("there is no virtual proxy with the id {id}"),
                ),
                Some(vp) => {
                    if let Authentication::Unserved(missing) = &vp.authentication {
                        errors.push(
                            "settings.virtualProxies",
                            format!(
                                "the virtual proxy \"{}\" cannot be linked: {missing}",
                                vp.description
                            ),
                        );
                    }
                }
            }
        }
        if !documents
            .nodes
            .contains_key(&proxy.server_node_configuration)
        {
            errors.push(
                "serverNodeConfiguration",
                format!(
                    "there is no node with the id {}",
                    proxy.server_node_configuration
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vp(id: u128, prefix: &str, cookie: &str) -> Arc<VirtualProxyConfig> {
        let mut config = VirtualProxyConfig {
            prefix: prefix.to_owned(),
            description: format!("vp {prefix}"),
            default_virtual_proxy: prefix.is_empty(),
            session_cookie_header_name: cookie.to_owned(),
            ..Default::default()
        };
        config.metadata.id = Uuid::from_u128(id);
        Arc::new(config)
    }

    fn documents(vps: &[Arc<VirtualProxyConfig>]) -> Documents {
        let node = ServerNodeConfiguration {
            name: "n".into(),
            host_name: "h".into(),
            ..Default::default()
        };
        let mut proxy = ProxyService {
            server_node_configuration: node.metadata.id,
            ..Default::default()
        };
        proxy.settings.virtual_proxies = vps.iter().map(|vp| vp.metadata.id).collect();
        Documents {
            virtual_proxies: vps.iter().map(|vp| (vp.metadata.id, vp.clone())).collect(),
            proxy_services: [(Uuid::nil(), Arc::new(proxy))].into(),
            nodes: [(Uuid::nil(), Arc::new(node))].into(),
            ..Documents::default()
        }
    }

    fn build(vps: &[Arc<VirtualProxyConfig>]) -> Result<Snapshot, FieldErrors> {
        Snapshot::build(1, documents(vps), Uuid::nil(), None)
    }

    #[test]
    fn linked_virtual_proxies_are_found_by_exact_prefix() {
        let s = build(&[vp(1, "", "A"), vp(2, "jwt", "B")]).unwrap();
        assert_eq!(s.by_prefix("jwt").unwrap().id, Uuid::from_u128(2));
        assert!(s.by_prefix("JWT").is_none() && s.by_prefix("").is_none());
        assert_eq!(s.default_virtual_proxy().unwrap().id, Uuid::from_u128(1));
    }

    #[test]
    fn own_cookies_are_those_of_sessions_and_of_sign_ins() {
        let s = build(&[vp(1, "a", "Cookie")]).unwrap();
        let sign_in = sign_in_cookie_name("Cookie-HTTP", 7);
        for own in ["Cookie", "Cookie-HTTP", "Cookie-SignIn-0", &sign_in] {
            assert!(s.is_own_cookie(own.as_bytes()), "{own}");
        }
        for other in [
            "",
            "7",
            "cookie",
            "Cookie-SignIn",
            "Cookie-SignIn-",
            "Cookie-SignIn-x",
            "XCookie",
        ] {
            assert!(!s.is_own_cookie(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_second_prefix_or_cookie_name_is_refused() {
        assert!(
            build(&[vp(1, "jwt", "A"), vp(2, "jwt", "B")])
                .unwrap_err()
                .to_string()
                .starts_with("prefix: ")
        );
        let error = build(&[vp(1, "a", "Cookie"), vp(2, "b", "cookie")])
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("sessionCookieHeaderName: "), "{error}");
        assert!(build(&[vp(1, "a", "S"), vp(2, "b", "S-HTTP")]).is_err());
    }

    #[test]
    fn a_bound_directory_belongs_to_those_who_list_it() {
        let bound = |id, prefix: &str, directories: &[&str]| {
            let mut config = (*vp(id, prefix, prefix)).clone();
            config.bound_user_directories = directories.iter().map(|d| (*d).to_owned()).collect();
            Arc::new(config)
        };
        let vps = [
            bound(1, "a", &["CORP"]),
            bound(2, "b", &["corp", "other"]),
            bound(3, "c", &[]),
        ];
        let s = build(&vps).unwrap();
        let may = |id, directory| s.may_assert(Uuid::from_u128(id), directory);
        assert!(may(1, "corp") && may(2, "Corp") && !may(3, "CORP"));
        assert!(!may(1, "OTHER") && may(3, "free"));
        assert!(build(&[bound(1, "a", &["INTERNAL"])]).is_err());
    }

    #[test]
    fn dangling_references_are_refused() {
        let mut d = documents(&[vp(1, "jwt", "A")]);
        d.virtual_proxies.clear();
        assert!(Snapshot::build(1, d, Uuid::nil(), None).is_err());
        let mut d = documents(&[vp(1, "jwt", "A")]);
        d.nodes.clear();
        assert!(Snapshot::build(1, d, Uuid::nil(), None).is_err());
    }

    #[test]
    fn what_did_not_change_is_not_parsed_again() {
        let (a, b) = (vp(1, "a", "A"), vp(2, "b", "B"));
        let one = build(&[a.clone(), b]).unwrap();
        let two =
            Snapshot::build(2, documents(&[a, vp(2, "b", "C")]), Uuid::nil(), Some(&one)).unwrap();
        assert_eq!(two.by_prefix("a").unwrap().revision, 1);
        assert_eq!(two.by_prefix("b").unwrap().revision, 2);
    }

    #[test]
    fn linking_what_is_not_served_is_refused_with_a_sentence() {
        let mut saml = (*vp(1, "saml", "A")).clone();
        saml.authentication_method = crate::entity::AuthenticationMethod::SAML;
        let error = build(&[Arc::new(saml)]).unwrap_err().to_string();
        assert!(error.contains("SAML is not supported"), "{error}");
    }
}
