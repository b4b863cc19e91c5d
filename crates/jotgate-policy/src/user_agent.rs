//! What `X-Qlik-Security` tells of the client's system in the extended security environment
//! (Qlik help, "X-Qlik-Security").

/// Operating system, device and browser as the real system names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSystem {
    /// `Windows`, `Linux`, `Mac OS X` or `Unknown`.
    pub os: &'static str,
    /// `iPhone`, `iPad` or `Default`.
    pub device: &'static str,
    /// `Chrome 156.0.0.0` and its like, or `Unknown`.
    pub browser: String,
    /// `10.0` of `Windows NT 10.0`; empty when not told.
    pub os_version: String,
}

/// Reads a User-Agent.
#[must_use]
pub fn read(user_agent: &str) -> ClientSystem {
    let has = |word: &str| user_agent.contains(word);
    let device = if has("iPhone") {
        "iPhone"
    } else if has("iPad") {
        "iPad"
    } else {
        "Default"
    };
    let os = if has("Windows") {
        "Windows"
    } else if has("Mac OS X") || has("Macintosh") {
        "Mac OS X"
    } else if has("Linux") {
        "Linux"
    } else {
        "Unknown"
    };
    let version = |marker: &str| {
        let (_, rest) = user_agent.split_once(marker)?;
        let digits: String = rest
            .chars()
            .take_while(|c| c.is_ascii_digit() || matches!(c, '.' | '_'))
            .take(32)
            .collect();
        (!digits.is_empty()).then(|| digits.replace('_', "."))
    };
    // Order matters: Chrome calls itself Safari too.
    let known = [
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("MSIE ", "MSIE"),
        ("Version/", "Safari"),
    ];
    let browser = known
        .iter()
        .find_map(|(marker, name)| version(marker).map(|version| format!("{name} {version}")))
        .unwrap_or_else(|| "Unknown".to_owned());
    let os_version = version("Windows NT ")
        .or_else(|| version("Mac OS X "))
        .unwrap_or_default();
    ClientSystem {
        os,
        device,
        browser,
        os_version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_browsers() {
        let of = |ua: &str| {
            let system = read(ua);
            format!("{}; {}; {}", system.os, system.device, system.browser)
        };
        assert_eq!(
            of(
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
            ),
            "Windows; Default; Chrome 156.0.0.0"
        );
        assert_eq!(
            of("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            "Linux; Default; Firefox 140.0"
        );
        assert_eq!(
            of(
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
            ),
            "Mac OS X; iPhone; Safari 18.0"
        );
        assert_eq!(of("curl/8"), "Unknown; Default; Unknown");
        assert_eq!(of(""), "Unknown; Default; Unknown");
        assert_eq!(read("Mozilla/5.0 (Windows NT 6.3; x)").os_version, "6.3");
        assert_eq!(
            read("(Macintosh; Intel Mac OS X 10_15_7)").os_version,
            "10.15.7"
        );
    }
}
