//! The overview: a table with the real system's columns, filtered, sorted and cut into pages.

use std::cmp::Ordering;
use std::collections::HashSet;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use jotgate_model::entity::VirtualProxyConfig;
use jotgate_model::{Documents, Timestamp};
use uuid::Uuid;

use super::{HERE, words};
use crate::dates::minute;
use crate::frame::{Frame, page};
use crate::paging::PER_PAGE;
use crate::visit::Visit;

pub(super) async fn show(visit: Visit) -> Response {
    let snapshot = visit.snapshot();
    let asked = Asked {
        filter: visit.parameter("filter"),
        sort: Column::of(&visit.parameter("sort")).unwrap_or(Column::Description),
        descending: visit.parameter("order") == "descending",
        page: visit.parameter("page").parse().unwrap_or(1),
    };
    let listed = list(&snapshot.documents, &asked);
    let frame = visit.frame("Virtual proxies", HERE);
    page(
        StatusCode::OK,
        &Overview {
            frame,
            asked,
            listed,
        },
    )
}

#[derive(Template)]
#[template(path = "virtual_proxies/overview.html")]
struct Overview {
    frame: Frame,
    asked: Asked,
    listed: Listed,
}

impl Overview {
    fn columns(&self) -> &'static [Column] {
        &Column::ALL
    }

    /// The address that sorts by a column; the other way round when it is sorted by it already.
    fn sorted_by(&self, column: Column) -> String {
        let again = self.asked.sort == column && !self.asked.descending;
        self.address(column, again, 1)
    }

    fn page_address(&self, page: usize) -> String {
        self.address(self.asked.sort, self.asked.descending, page)
    }

    fn address(&self, sort: Column, descending: bool, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.asked.filter.is_empty() {
            query.append_pair("filter", &self.asked.filter);
        }
        query.append_pair("sort", sort.code());
        if descending {
            query.append_pair("order", "descending");
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        format!("{}{HERE}?{}", self.frame.base, query.finish())
    }

    fn order_of(&self, column: Column) -> &'static str {
        match (self.asked.sort == column, self.asked.descending) {
            (false, _) => "none",
            (true, false) => "ascending",
            (true, true) => "descending",
        }
    }
}

/// What is asked of the list.
struct Asked {
    filter: String,
    sort: Column,
    descending: bool,
    page: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Description,
    Prefix,
    Cookie,
    Default,
    Method,
    Linked,
    Tags,
    Modified,
}

impl Column {
    const ALL: [Self; 8] = [
        Self::Description,
        Self::Prefix,
        Self::Cookie,
        Self::Default,
        Self::Method,
        Self::Linked,
        Self::Tags,
        Self::Modified,
    ];

    fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.code() == code)
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Description => "description",
            Self::Prefix => "prefix",
            Self::Cookie => "cookie",
            Self::Default => "default",
            Self::Method => "method",
            Self::Linked => "linked",
            Self::Tags => "tags",
            Self::Modified => "modified",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Description => "Description",
            Self::Prefix => "Prefix",
            Self::Cookie => "Session cookie header name",
            Self::Default => "Is default virtual proxy",
            Self::Method => "Authentication method",
            Self::Linked => "Linked to proxy service",
            Self::Tags => "Tags",
            Self::Modified => "Last modified",
        }
    }
}

/// A page of the list.
struct Listed {
    rows: Vec<Row>,
    /// How many there are, and how many pass the filter.
    all: usize,
    passing: usize,
    /// The number of this page, and of the last one.
    page: usize,
    last: usize,
}

/// A virtual proxy in the list.
struct Row {
    id: Uuid,
    description: String,
    prefix: String,
    cookie: String,
    is_default: bool,
    method: &'static str,
    is_linked: bool,
    tags: Vec<String>,
    modified: Timestamp,
}

fn list(documents: &Documents, asked: &Asked) -> Listed {
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
    let last = passing.div_ceil(PER_PAGE).max(1);
    let page = asked.page.clamp(1, last);
    let rows = rows.into_iter().skip((page - 1) * PER_PAGE).take(PER_PAGE);
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
    Row {
        id: vp.metadata.id,
        description: vp.description.clone(),
        prefix: vp.prefix.clone(),
        cookie: vp.session_cookie_header_name.clone(),
        is_default: vp.default_virtual_proxy,
        method: words::authentication_method(vp.authentication_method),
        is_linked: linked.contains(&vp.metadata.id),
        tags: tags.map(|tag| tag.name.clone()).collect(),
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
        }
    }

    fn when(&self) -> String {
        minute(self.modified)
    }
}

#[cfg(test)]
mod tests;
