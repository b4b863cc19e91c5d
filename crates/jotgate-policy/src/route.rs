//! Route: which virtual proxy a request belongs to.

use std::sync::Arc;

use jotgate_model::{Reason, Refusal, Snapshot, VirtualProxy, is_reserved_word};

/// A request's virtual proxy, and the path as its backends see it.
#[derive(Debug)]
pub struct Route<'a> {
    /// Whose rules apply.
    pub virtual_proxy: &'a Arc<VirtualProxy>,
    /// The path below the prefix; begins with `/` unless the request names the bare prefix.
    pub path: &'a str,
}

/// Finds the virtual proxy for `path`: the prefix of exactly the first segment, else the default one.
///
/// A path `/x/<reserved word>/...` with an `x` that is neither a linked prefix nor a reserved word was
/// meant for a virtual proxy that is not there.
///
/// # Errors
/// [`Reason::PrefixUnknown`]: the answer is the same for an unlinked prefix and for none at all, but
/// the detail tells them apart.
pub fn route<'a>(snapshot: &'a Snapshot, path: &'a str) -> Result<Route<'a>, Refusal> {
    let (first, rest) = split_first(path);
    if let Some(virtual_proxy) = snapshot.by_prefix(first) {
        if rest.starts_with("//") {
            // Without the prefix it would begin like the address of another host.
            return Err(Refusal::with(
                Reason::PathAmbiguous,
                "the path begins with an empty segment behind the prefix",
            ));
        }
        return Ok(Route {
            virtual_proxy,
            path: rest,
        });
    }
    let (second, _) = split_first(rest);
    if !first.is_empty() && is_reserved_word(second) && !is_reserved_word(first) {
        return Err(unknown(snapshot, first));
    }
    match snapshot.default_virtual_proxy() {
        Some(virtual_proxy) => Ok(Route {
            virtual_proxy,
            path,
        }),
        None => Err(unknown(snapshot, first)),
    }
}

/// The first segment of `path`, and what follows it with its slash.
#[must_use]
pub fn split_first(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split_at(path.find('/').unwrap_or(path.len()))
}

fn unknown(snapshot: &Snapshot, first: &str) -> Refusal {
    let exists = snapshot
        .virtual_proxies()
        .any(|vp| vp.prefix.as_str() == first);
    let cut: String = first.chars().take(100).collect();
    let detail = if exists {
        format!("the virtual proxy with the prefix {cut:?} is not linked to this proxy")
    } else {
        format!("no virtual proxy has the prefix {cut:?}")
    };
    Refusal::with(Reason::PrefixUnknown, detail)
}

#[cfg(test)]
mod tests {
    use jotgate_model::Documents;
    use jotgate_model::entity::{ProxyService, ServerNodeConfiguration, VirtualProxyConfig};

    use super::*;

    fn snapshot(prefixes: &[&str], linked: bool) -> Snapshot {
        let mut documents = Documents::default();
        let mut proxy = ProxyService::default();
        for (i, prefix) in prefixes.iter().enumerate() {
            let mut vp = VirtualProxyConfig {
                prefix: (*prefix).to_owned(),
                default_virtual_proxy: prefix.is_empty(),
                session_cookie_header_name: format!("C{i}"),
                ..Default::default()
            };
            vp.metadata.id = uuid(i);
            if linked {
                proxy.settings.virtual_proxies.push(vp.metadata.id);
            }
            documents
                .virtual_proxies
                .insert(vp.metadata.id, Arc::new(vp));
        }
        let node = ServerNodeConfiguration {
            name: "n".into(),
            host_name: "h".into(),
            ..Default::default()
        };
        documents.nodes.insert(node.metadata.id, Arc::new(node));
        let id = proxy.metadata.id;
        documents.proxy_services.insert(id, Arc::new(proxy));
        Snapshot::build(1, documents, id, None).unwrap()
    }

    fn uuid(i: usize) -> jotgate_model::Uuid {
        jotgate_model::Uuid::from_u128(i as u128 + 1)
    }

    fn routed(snapshot: &Snapshot, path: &str) -> Result<(String, String), Reason> {
        route(snapshot, path)
            .map(|r| (r.virtual_proxy.prefix.to_string(), r.path.to_owned()))
            .map_err(|refusal| refusal.reason)
    }

    /// Lines P2 and P3 of the hostile inputs.
    #[test]
    fn prefixes_match_whole_segments_exactly() {
        let s = snapshot(&["", "jwt"], true);
        let ok = |prefix: &str, path: &str| Ok((prefix.to_owned(), path.to_owned()));
        assert_eq!(routed(&s, "/jwt/hub/"), ok("jwt", "/hub/"));
        assert_eq!(routed(&s, "/jwt/"), ok("jwt", "/"));
        assert_eq!(routed(&s, "/jwt"), ok("jwt", ""));
        for other in [
            "/jwtadmin",
            "/JWT",
            "/jwt.",
            "/",
            "/hub/",
            "/hub/jwt/",
            "/x/y",
        ] {
            assert_eq!(routed(&s, other), ok("", other));
        }
    }

    /// Line P5 of the hostile inputs.
    #[test]
    fn many_prefixes_are_told_apart_as_two_are() {
        let names: Vec<String> = (0..300).map(|n| format!("vp{n}")).collect();
        let prefixes: Vec<&str> = names.iter().map(String::as_str).collect();
        let s = snapshot(&prefixes, true);
        for name in prefixes {
            let found = Ok((name.to_owned(), "/x".to_owned()));
            assert_eq!(routed(&s, &format!("/{name}/x")), found);
            for other in ["V", "x", "/v"] {
                assert!(routed(&s, &format!("/{other}{name}/x")).is_err());
            }
            assert!(routed(&s, &format!("/{}/x", name.to_uppercase())).is_err());
        }
    }

    /// A backend that redirects to the path it got must not lead to another host.
    #[test]
    fn no_path_becomes_the_address_of_a_host_without_its_prefix() {
        let s = snapshot(&["", "jwt"], true);
        assert_eq!(routed(&s, "/jwt//evil.com/x"), Err(Reason::PathAmbiguous));
        assert!(routed(&s, "/jwt/a//b").is_ok());
    }

    #[test]
    fn a_prefix_that_is_not_there_is_said_so() {
        let s = snapshot(&["", "jwt"], true);
        for path in ["/other/hub/", "/JWT/hub/", "/jwt./qps/user", "/x/QRS"] {
            assert_eq!(routed(&s, path), Err(Reason::PrefixUnknown), "{path}");
        }
        let unlinked = snapshot(&["", "jwt"], false);
        let refusal = route(&unlinked, "/jwt/hub/").unwrap_err();
        assert!(refusal.detail().unwrap().contains("not linked"));
        assert_eq!(routed(&unlinked, "/"), Err(Reason::PrefixUnknown));
    }
}
