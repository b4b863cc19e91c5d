//! User agents, short: what a person would call a browser.

/// Characters of a text that says nothing of a browser.
const SHOWN: usize = 48;

/// What tells browsers apart; those that also name others come first.
const BROWSERS: [(&str, &str); 7] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Version/", "Safari"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// `Chrome 142, Windows` for a browser, the beginning of the text for everything else. It is what the client
/// says of itself: nothing depends on it.
pub(crate) fn short(agent: &str) -> String {
    browser(agent).unwrap_or_else(|| match agent.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &agent[..end]),
        None => agent.to_owned(),
    })
}

fn browser(agent: &str) -> Option<String> {
    let (system, products) = agent.strip_prefix("Mozilla/5.0 (")?.split_once(')')?;
    let (_, system) = SYSTEMS.iter().find(|(mark, _)| system.contains(mark))?;
    let named = BROWSERS.iter().find_map(|(mark, name)| {
        let (_, version) = products.split_once(mark)?;
        let major: String = version.chars().take_while(char::is_ascii_digit).collect();
        (1..=4)
            .contains(&major.len())
            .then(|| format!("{name} {major}"))
    })?;
    Some(format!("{named}, {system}"))
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn browsers_have_the_names_that_people_use() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (agent, name) in [
            (
                format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/142.0.0.0 Safari/537.36"),
                "Chrome 142, Windows",
            ),
            (
                format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/142.0.0.0 Safari/537.36 Edg/141.0"),
                "Edge 141, Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
                "Firefox 140, Linux",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.1 Safari/605.1.15"
                    .to_owned(),
                "Safari 18, macOS",
            ),
            ("curl/8.5.0".to_owned(), "curl/8.5.0"),
            (String::new(), ""),
        ] {
            assert_eq!(short(&agent), name, "{agent}");
        }
    }

    #[test]
    fn what_is_no_browser_is_cut_and_nothing_else() {
        let long = "ü".repeat(100);
        assert_eq!(short(&long), format!("{}…", "ü".repeat(48)));
        for agent in [
            "Mozilla/5.0 (",
            "Mozilla/5.0 (Windows",
            "Mozilla/5.0 (Windows) Chrome/",
            "Mozilla/5.0 (Windows) Chrome/99999999",
        ] {
            assert_eq!(short(agent), agent);
        }
    }
}
