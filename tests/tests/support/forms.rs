//! The forms of the default virtual proxy, as a browser fills them in.

use jotgate_scenarios::{Answer, Client, Cookie};

/// A form that was shown.
#[derive(Clone)]
pub(crate) struct Form {
    client: Client,
    action: String,
    hidden: Vec<(String, String)>,
    /// What the browser was given with it.
    pub(crate) cookies: Vec<Cookie>,
}

impl Form {
    /// Asks for the page at `path` and reads its form.
    pub(crate) async fn load(client: &Client, path: &str) -> Self {
        let page = client.get(path).accepts_html().send().await;
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        Self::of(client, &page)
    }

    /// The form on a page that was answered.
    pub(crate) fn of(client: &Client, page: &Answer) -> Self {
        let text = page.text();
        let hidden = text.split("<input type=\"hidden\"").skip(1);
        Self {
            client: client.clone(),
            action: attribute(&text, "action"),
            hidden: hidden
                .map(|input| (attribute(input, "name"), attribute(input, "value")))
                .collect(),
            cookies: page.cookies(),
        }
    }

    /// Sends it with these fields; a hidden one is replaced by one of the same name.
    pub(crate) async fn post(self, fields: &[(&str, &str)]) -> Answer {
        let given = |name: &str| fields.iter().any(|(given, _)| *given == name);
        let hidden = self.hidden.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        let mut all: Vec<_> = hidden.filter(|(name, _)| !given(name)).collect();
        all.extend_from_slice(fields);
        let mut request = self.client.post(&self.action).form(&all);
        for cookie in &self.cookies {
            request = request.cookie(cookie);
        }
        request.send().await
    }
}

fn attribute(text: &str, name: &str) -> String {
    let (_, rest) = text.split_once(&format!("{name}=\"")).expect(name);
    let value = rest.split('"').next().unwrap_or_default();
    let value = value.replace("&quot;", "\"").replace("&lt;", "<");
    value.replace("&gt;", ">").replace("&amp;", "&")
}
