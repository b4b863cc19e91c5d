//! The list of settings: the one place where a setting's name, default and help are written.

use super::Mode;

/// One setting. Its flag is `--name`, its key `name`, its variable [`Setting::variable`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The name, in lower case with hyphens.
    pub(crate) name: &'static str,
    /// Under which heading help shows it.
    pub(crate) heading: &'static str,
    /// How many values it takes.
    pub(crate) shape: Shape,
    /// What help calls a value.
    pub(crate) value_name: &'static str,
    /// What it is when it is not set.
    pub(crate) default: Fallback,
    /// What it does, for help.
    pub(crate) help: &'static str,
}

/// How many values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One.
    One,
    /// Any number.
    List,
    /// `on` or `off`; the flag alone means `on`.
    Switch,
}

/// What a setting is when it is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// A value, written as one would write it.
    Value(&'static str),
    /// A value that differs: in `serve`, and in `demo`.
    PerMode(&'static str, &'static str),
    /// Something that cannot be written, in words.
    Words(&'static str),
}

impl Setting {
    /// The name of its variable in the environment.
    pub(crate) fn variable(&self) -> String {
        let name = self.name.to_ascii_uppercase().replace('-', "_");
        format!("{PREFIX}{name}")
    }

    /// The default as a value, if it is one.
    pub(crate) fn default_value(&self, mode: Mode) -> Option<&'static str> {
        match (self.default, mode) {
            (Value(value), _)
            | (PerMode(value, _), Mode::Serve)
            | (PerMode(_, value), Mode::Demo) => Some(value),
            (Words(_), _) => None,
        }
    }
}

/// What the variables of the environment begin with.
pub(crate) const PREFIX: &str = "JOTGATE_";

/// Declares each setting as a constant, and all of them as [`ALL`].
macro_rules! settings {
    ($($heading:literal: { $($constant:ident = $name:literal $shape:ident $value_name:literal,
        $default:expr, $help:literal;)+ })+) => {
        $($(
            #[doc = $help]
            pub(crate) static $constant: Setting = Setting {
                name: $name,
                heading: $heading,
                shape: Shape::$shape,
                value_name: $value_name,
                default: $default,
                help: $help,
            };
        )+)+

        /// Every setting, in the order of the help.
        pub(crate) static ALL: &[&Setting] = &[$($(&$constant,)+)+];
    };
}

use Fallback::{PerMode, Value, Words};

settings! {
    "Files": {
        CONFIG = "config" One "FILE", Words("none"),
            "A TOML file with settings; its keys are the names of the flags";
        DATA_DIR = "data-dir" One "DIR", Value("./jotgate-data"),
            "Everything that Jotgate keeps";
    }
    "Addresses": {
        LISTEN = "listen" List "ADDRESS", PerMode("0.0.0.0:8443", "127.0.0.1:8443"),
            "The gateway over HTTPS; port 0 takes a free port, here and below";
        LISTEN_HTTP = "listen-http" List "ADDRESS", Words("off"),
            "The gateway over plain HTTP";
        QRS_LISTEN = "qrs-listen" One "ADDRESS", Value("127.0.0.1:4242"),
            "The repository API (QRS), for client certificates";
        QPS_LISTEN = "qps-listen" One "ADDRESS", Value("127.0.0.1:4243"),
            "The proxy API (QPS), for client certificates";
        OBSERVE_LISTEN = "observe-listen" One "ADDRESS", Value("127.0.0.1:9464"),
            "/livez, /readyz and /metrics over plain HTTP";
        PUBLIC_HOST = "public-host" List "NAME", Words("the names in the certificates"),
            "A name of the gateway itself";
        TRUSTED_PROXY = "trusted-proxy" List "CIDR", Words("none"),
            "Addresses whose X-Forwarded-* or PROXY header counts";
        PROXY_PROTOCOL = "proxy-protocol" Switch "on|off", Value("off"),
            "Whether connections of trusted proxies begin with a PROXY header";
    }
    "Certificates and keys": {
        HTTP_REDIRECT = "http-redirect" One "on|off|PORT", Value("off"),
            "Send plain HTTP to HTTPS, on that port or on that of the first --listen";
        HSTS = "hsts" One "DURATION", Value("0"),
            "The max-age of Strict-Transport-Security, as a duration or in seconds; 0 is off";
        TLS_CERTIFICATE = "tls-certificate" List "FILE", Words("the one in the data directory"),
            "A certificate for HTTPS, chosen by the name that the client asks for";
        TLS_KEY = "tls-key" List "FILE", Words("the one in the data directory"),
            "Its private key; the first key belongs to the first certificate, and so on";
        CLUSTER_KEY_FILE = "cluster-key-file" One "FILE", Words("none"),
            "The key that nodes share, at least 32 bytes: seals sessions and signs CSRF tokens";
    }
    "Storage and backends": {
        BACKEND = "backend" One "URL", Words("none"),
            "With an empty data directory: the node of the default virtual proxy";
        DATABASE_URL = "database-url" One "URL", Words("SQLite in the data directory"),
            "postgres://... for several nodes; better in a file, which no process list shows";
        DATABASE_URL_FILE = "database-url-file" One "FILE", Words("none"),
            "A file that holds the database URL";
        SESSION_STORE_URL = "session-store-url" One "URL", Words("memory"),
            "redis://, rediss://, redis-cluster://, rediss-cluster://, redis-sentinel:// or rediss-sentinel://";
        SESSION_STORE_URL_FILE = "session-store-url-file" One "FILE", Words("none"),
            "A file that holds the session store URL";
        SESSION_STORE_CA_FILE = "session-store-ca-file" One "FILE", Words("those of the system"),
            "The certificates, PEM, that a session store with TLS is trusted by";
        SESSION_LEASE = "session-lease" One "DURATION", Value("5s"),
            "How long known sessions go on while the shared session store is silent, 0 to 60s";
    }
    "Limits": {
        HEADER_TIMEOUT = "header-timeout" One "DURATION", Value("10s"),
            "For the header of a request to arrive, else 408";
        BODY_TIMEOUT = "body-timeout" One "DURATION", Value("30s"),
            "For a request's body to make progress, else 408";
        CONNECT_TIMEOUT = "connect-timeout" One "DURATION", Value("5s"),
            "For a connection to a backend, TLS included, else 504";
        RESPONSE_TIMEOUT = "response-timeout" One "DURATION", Value("60s"),
            "For a backend to begin its answer, else 504";
        IDLE_TIMEOUT = "idle-timeout" One "DURATION", Value("75s"),
            "After which a connection without a request is closed";
        MAX_HEADER_BYTES = "max-header-bytes" One "SIZE", Value("32KiB"),
            "The largest header of a request, else 431";
        MAX_BODY_BYTES = "max-body-bytes" One "SIZE", Value("0"),
            "The largest body of a request, else 413; 0 is off";
        MAX_CONNECTIONS = "max-connections" One "NUMBER", Value("100000"),
            "The most connections; more are refused";
        MAX_CONNECTIONS_PER_ADDRESS = "max-connections-per-address" One "NUMBER", Value("0"),
            "The most connections of one address; 0 is off";
        DRAIN_DELAY = "drain-delay" One "DURATION", Value("0"),
            "How long new connections are accepted after /readyz answers 503";
        DRAIN_TIMEOUT = "drain-timeout" One "DURATION", Value("30s"),
            "The hard end of a drain, counted from the end of the delay";
        WORKER_THREADS = "worker-threads" One "NUMBER", Words("the number of cores"),
            "Threads that carry traffic";
    }
    "Logs": {
        LOG = "log" One "LEVEL", Value("info"),
            "error, warn, info, debug or trace; also by part, such as info,jotgate_keys=debug";
        LOG_FORMAT = "log-format" One "text|json", Value("text"),
            "How the log on standard error is written";
        ACCESS_LOG = "access-log" One "FILE", Value("-"),
            "Where the line for each request goes: a file, - for standard output, or off";
        FEED_ENTRIES = "feed-entries" One "NUMBER", Value("10000"),
            "The most recent requests that are kept to be looked at, and as many refused ones; 0 is off";
        FEED_BYTES = "feed-bytes" One "SIZE", Value("16MiB"),
            "The most memory that they take";
        OTLP_ENDPOINT = "otlp-endpoint" One "URL", Words("off"),
            "Sends traces to the OpenTelemetry collector at this address: OTLP over HTTP, in JSON";
        TRACE_SAMPLE_RATIO = "trace-sample-ratio" One "NUMBER", Value("0.01"),
            "How many requests are traced, 0 to 1, unless their traceparent decides";
    }
}

/// The setting of that name.
pub(crate) fn by_name(name: &str) -> Option<&'static Setting> {
    ALL.iter().copied().find(|setting| setting.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows that the manual promises, with their defaults.
    #[test]
    fn the_public_settings() {
        let lines: Vec<String> = ALL
            .iter()
            .map(|s| {
                format!(
                    "--{} {:?} {:?} {}",
                    s.name,
                    s.shape,
                    s.default,
                    s.variable()
                )
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn names_are_unique_and_help_is_one_line() {
        for (i, setting) in ALL.iter().enumerate() {
            let name_ok = |b: u8| b.is_ascii_lowercase() || b == b'-';
            assert!(setting.name.bytes().all(name_ok), "{}", setting.name);
            assert!(!setting.help.ends_with('.') && !setting.help.contains('\n'));
            assert!(
                ALL.iter()
                    .skip(i + 1)
                    .all(|other| other.name != setting.name)
            );
        }
    }
}
