//! The address of a session store, taken apart.

/// How many addresses a URL may have.
const MAX_ADDRESSES: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Single,
    Cluster,
    Sentinel,
}

/// The parts of a URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) kind: Kind,
    pub(super) tls: bool,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    /// Hosts without brackets.
    pub(super) addresses: Vec<(String, u16)>,
    /// The name of the service that sentinels watch.
    pub(super) service: Option<String>,
    pub(super) database: Option<i64>,
}

impl Url {
    /// Reads a URL: `redis://[user[:password]@]host[:port][/database]`; `rediss://` with TLS;
    /// `redis-cluster://...@host:port,host:port`; `redis-sentinel://...@host:port,host:port/name[/database]`.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").ok_or("it has no scheme")?;
        let (kind, tls) = match scheme {
            "redis" => (Kind::Single, false),
            "rediss" => (Kind::Single, true),
            "redis-cluster" => (Kind::Cluster, false),
            "rediss-cluster" => (Kind::Cluster, true),
            "redis-sentinel" => (Kind::Sentinel, false),
            "rediss-sentinel" => (Kind::Sentinel, true),
            _ => {
                return Err(
                    "its scheme is none of redis, rediss, redis-cluster, rediss-cluster, redis-sentinel, rediss-sentinel",
                );
            }
        };
        if rest.contains(['?', '#']) {
            return Err("it has a query or a fragment; both mean nothing here");
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = match authority.rsplit_once('@') {
            Some((credentials, hosts)) => (Some(credentials), hosts),
            None => (None, authority),
        };
        let (user, password) = credentials.map_or(Ok((None, None)), read_credentials)?;
        let default_port = if kind == Kind::Sentinel {
            26_379
        } else {
            6_379
        };
        let addresses: Result<Vec<_>, _> = hosts
            .split(',')
            .map(|host| read_address(host, default_port))
            .collect();
        let addresses = addresses?;
        if addresses.len() > MAX_ADDRESSES {
            return Err("it has more than 64 addresses");
        }
        if kind == Kind::Single && addresses.len() > 1 {
            return Err("it has several addresses; redis-cluster:// or redis-sentinel:// may");
        }
        let mut path = path.split('/').filter(|part| !part.is_empty());
        let service = (kind == Kind::Sentinel)
            .then(|| path.next().map(str::to_owned))
            .flatten();
        if kind == Kind::Sentinel && service.is_none() {
            return Err("it lacks the name of the service: redis-sentinel://host/name");
        }
        let database = path.next().map(str::parse).transpose();
        let database = database.map_err(|_| "its database is no number")?;
        if database.is_some_and(|number: i64| number < 0) {
            return Err("its database is no number");
        }
        if path.next().is_some() {
            return Err("its path has too many parts");
        }
        if kind == Kind::Cluster && database.is_some_and(|number| number != 0) {
            return Err("a cluster has the database 0 only");
        }
        Ok(Self {
            kind,
            tls,
            user,
            password,
            addresses,
            service,
            database,
        })
    }
}

type Credentials = (Option<String>, Option<String>);

fn read_credentials(text: &str) -> Result<Credentials, &'static str> {
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (text, None),
    };
    let decode = |text: &str| {
        let bytes = percent_encoding::percent_decode_str(text);
        let text = bytes.decode_utf8();
        text.map(|text| text.into_owned())
            .map_err(|_| "its user or password is not percent-encoded UTF-8")
    };
    let user = Some(decode(user)?).filter(|user| !user.is_empty());
    Ok((user, password.map(decode).transpose()?))
}

fn read_address(text: &str, default_port: u16) -> Result<(String, u16), &'static str> {
    const BAD: &str = "one of its addresses is no host with an optional port";
    let (host, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or(BAD)?)),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(BAD);
    }
    let port = port.map(str::parse).transpose().map_err(|_| BAD)?;
    Ok((host.to_owned(), port.unwrap_or(default_port)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::redis::connect::Connector;

    #[test]
    fn every_form_is_read() {
        let url = Url::parse("rediss://gate:p%40ss:x@redis.example.com:6380/3").unwrap();
        assert_eq!(url.kind, Kind::Single);
        assert!(url.tls);
        assert_eq!(url.user.as_deref(), Some("gate"));
        assert_eq!(url.password.as_deref(), Some("p@ss:x"));
        assert_eq!(url.addresses, [("redis.example.com".into(), 6_380)]);
        assert_eq!(url.database, Some(3));
        let url = Url::parse("redis-sentinel://:secret@a,b:26380,[::1]:7/main/2").unwrap();
        assert_eq!((url.user, url.service.as_deref()), (None, Some("main")));
        let addresses = [("a", 26_379), ("b", 26_380), ("::1", 7)];
        assert_eq!(url.addresses, addresses.map(|(h, p)| (h.to_owned(), p)));
        assert_eq!(url.database, Some(2));
        let url = Url::parse("redis-cluster://a,b").unwrap();
        assert_eq!((url.kind, url.addresses.len()), (Kind::Cluster, 2));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        let said: String = [
            "redis.example.com",
            "http://a:secret@b",
            "redis://a:secret@",
            "redis://a:secret@b,c",
            "redis://a:secret@b:port",
            "redis://a:secret@b/first",
            "redis://a:secret@b/1/2",
            "redis://a:secret@b/-1",
            "redis://a:%ff@b",
            "redis://a:secret@b?protocol=resp3",
            "redis-sentinel://a:secret@b",
            "redis-cluster://a:secret@b/1",
        ]
        .map(|url| format!("{}\n", Url::parse(url).unwrap_err()))
        .concat();
        assert!(!said.contains("secret"));
        insta::assert_snapshot!(said);
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "(redis(s)?(-(cluster|sentinel))?://)?[a-z0-9:@/,\\[\\]%.-]{0,40}") {
            if let Ok(url) = Url::parse(&text) {
                prop_assert!(!url.addresses.is_empty());
                Connector::new(&text, None).ok();
            }
        }
    }
}
