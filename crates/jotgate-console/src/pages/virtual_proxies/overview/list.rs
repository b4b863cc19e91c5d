//! The rows of the overview: filtered, sorted and cut into pages.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use jotgate_model::entity::VirtualProxyConfig;
use jotgate_model::{Documents, Timestamp};
use uuid::Uuid;

use super::super::words;
use super::columns::Column;
use crate::dates::minute;

/// What is asked of the list.
pub(super) struct Asked {
    pub(super) filter: String,
    pub(super) sort: Column,
    pub(super) descending: bool,
    pub(super) page: usize,
    /// Rows of a page.
    pub(super) rows: usize,
    pub(super) columns: Vec<Column>,
}

/// A page of the list.
pub(super) struct Listed {
    pub(super) rows: Vec<Row>,
    /// How many there are, and how many pass the filter.
    pub(super) all: usize,
    pub(super) passing: usize,
    /// The number of this page, and of the last one.
    pub(super) page: usize,
    pub(super) last: usize,
}

/// A virtual proxy in the list.
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) description: String,
    pub(super) prefix: String,
    pub(super) cookie: String,
    pub(super) is_default: bool,
    pub(super) method: &'static str,
    pub(super) is_linked: bool,
    pub(super) tags: Vec<String>,
    pub(super) timeout: u32,
    pub(super) nodes: Vec<String>,
    pub(super) hosts: Vec<String>,
    /// What is to be said of its certificates; empty when all is well.
    pub(super) warning: String,
    modified: Timestamp,
}

/// The page that is asked for. `warnings` says what is to be said of certificates.
pub(super) fn list(
    documents: &Documents,
    asked: &Asked,
    warnings: &HashMap<Uuid, String>,
) -> Listed {
    let proxies = documents.proxy_services.values();
    let linked: HashSet<Uuid> = proxies
        .flat_map(|proxy| proxy.settings.virtual_proxies.iter().copied())
        .collect();
    let all = documents.virtual_proxies.values();
    let mut rows: Vec<Row> = all.map(|vp| row(vp, documents, &linked)).collect();
    let count = rows.len();
    let wanted = asked.filter.trim().to_lowercase();
    if !wanted.is_empty() {
        rows.retain(|row| row.has(&wanted));
    }
    rows.sort_by(|a, b| {
        let order = a.compare(b, asked.sort);
        let order = if asked.descending {
            order.reverse()
        } else {
            order
        };
        order.then_with(|| a.compare(b, Column::Description))
    });
    let passing = rows.len();
    let last = passing.div_ceil(asked.rows).max(1);
    let page = asked.page.clamp(1, last);
    let rows = rows
        .into_iter()
        .skip((page - 1) * asked.rows)
        .take(asked.rows);
    let rows = rows.map(|row| Row {
        warning: warnings.get(&row.id).cloned().unwrap_or_default(),
        ..row
    });
    Listed {
        rows: rows.collect(),
        all: count,
        passing,
        page,
        last,
    }
}

fn row(vp: &VirtualProxyConfig, documents: &Documents, linked: &HashSet<Uuid>) -> Row {
    let tags = vp.tags.iter().filter_map(|tag| documents.tags.get(tag));
    let nodes = vp.load_balancing_server_nodes.iter();
    let nodes = nodes.filter_map(|node| documents.nodes.get(node));
    Row {
        id: vp.metadata.id,
        description: vp.description.clone(),
        prefix: vp.prefix.clone(),
        cookie: vp.session_cookie_header_name.clone(),
        is_default: vp.default_virtual_proxy,
        method: words::authentication_method(vp.authentication_method),
        is_linked: linked.contains(&vp.metadata.id),
        tags: tags.map(|tag| tag.name.clone()).collect(),
        timeout: vp.session_inactivity_timeout,
        nodes: nodes.map(|node| node.name.clone()).collect(),
        hosts: vp.websocket_cross_origin_white_list.clone(),
        warning: String::new(),
        modified: vp.metadata.modified_date,
    }
}

impl Row {
    /// Whether the filter's text, in lower case, is in what somebody would look for.
    fn has(&self, wanted: &str) -> bool {
        let texts = [&self.description, &self.prefix, &self.cookie];
        let mut texts = texts.into_iter().chain(&self.tags);
        texts.any(|text| text.to_lowercase().contains(wanted))
            || self.method.to_lowercase().contains(wanted)
    }

    fn compare(&self, other: &Self, by: Column) -> Ordering {
        let text = |a: &str, b: &str| a.to_lowercase().cmp(&b.to_lowercase());
        match by {
            Column::Description => text(&self.description, &other.description),
            Column::Prefix => self.prefix.cmp(&other.prefix),
            Column::Cookie => text(&self.cookie, &other.cookie),
            Column::Default => other.is_default.cmp(&self.is_default),
            Column::Method => self.method.cmp(other.method),
            Column::Linked => other.is_linked.cmp(&self.is_linked),
            Column::Tags => text(&self.tags.join(" "), &other.tags.join(" ")),
            Column::Modified => self.modified.cmp(&other.modified),
            Column::Timeout => self.timeout.cmp(&other.timeout),
            Column::Nodes => text(&self.nodes.join(" "), &other.nodes.join(" ")),
            Column::Hosts => text(&self.hosts.join(" "), &other.hosts.join(" ")),
            Column::Id => self.id.cmp(&other.id),
        }
    }

    pub(super) fn when(&self) -> String {
        minute(self.modified)
    }
}
