//! The overview: a table with the real system's columns, and what can be done with several at once.

mod columns;
mod list;

use std::collections::HashMap;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use uuid::Uuid;

use super::HERE;
use super::explained::expiry;
use crate::frame::{Frame, page};
use crate::paging::PER_PAGE;
use crate::visit::Visit;

use columns::Column;
use list::{Asked, Listed, list};

/// How many rows a page may have.
const ROWS: [usize; 4] = [20, PER_PAGE, 100, 500];

pub(super) async fn show(visit: Visit) -> Response {
    let snapshot = visit.snapshot();
    let rows = visit.parameter("rows").parse();
    let asked = Asked {
        filter: visit.parameter("filter"),
        sort: Column::of(&visit.parameter("sort")).unwrap_or(Column::Description),
        descending: visit.parameter("order") == "descending",
        page: visit.parameter("page").parse().unwrap_or(1),
        rows: rows
            .ok()
            .filter(|rows| ROWS.contains(rows))
            .unwrap_or(PER_PAGE),
        columns: Column::chosen(&visit.parameters("column")),
    };
    let documents = &snapshot.documents;
    let proxies = documents.proxy_services.values().filter_map(|proxy| {
        let node = documents.nodes.get(&proxy.server_node_configuration)?;
        Some(Choice {
            id: proxy.metadata.id,
            name: node.name.clone(),
        })
    });
    let tags = documents.tags.values().map(|tag| Choice {
        id: tag.metadata.id,
        name: tag.name.clone(),
    });
    let overview = Overview {
        frame: visit.frame("Virtual proxies", HERE),
        listed: list(documents, &asked, &warnings(&visit)),
        asked,
        proxies: sorted(proxies.collect()),
        tags: sorted(tags.collect()),
    };
    page(StatusCode::OK, &overview)
}

/// What is to be said of certificates that run out, by virtual proxy: the first one counts.
fn warnings(visit: &Visit) -> HashMap<Uuid, String> {
    let mut first: HashMap<Uuid, _> = HashMap::new();
    for source in visit.management().key_sources() {
        let ends = source.keys.iter().filter_map(|key| key.certificate_expires);
        let Some(end) = ends.min() else {
            continue;
        };
        for id in source.virtual_proxies {
            let known = first.entry(id).or_insert(end);
            *known = (*known).min(end);
        }
    }
    let said = first.into_iter();
    said.filter_map(|(id, end)| Some((id, expiry(end, visit.now())?)))
        .collect()
}

fn sorted(mut choices: Vec<Choice>) -> Vec<Choice> {
    choices.sort_by_cached_key(|choice| choice.name.to_lowercase());
    choices
}

/// A proxy or a tag that several virtual proxies can get at once.
struct Choice {
    id: Uuid,
    name: String,
}

#[derive(Template)]
#[template(path = "virtual_proxies/overview.html")]
struct Overview {
    frame: Frame,
    asked: Asked,
    listed: Listed,
    proxies: Vec<Choice>,
    tags: Vec<Choice>,
}

impl Overview {
    fn all_columns(&self) -> &'static [Column] {
        &Column::ALL
    }

    /// How many rows a page may have, and whether that is chosen.
    fn row_counts(&self) -> [(usize, bool); 4] {
        ROWS.map(|rows| (rows, rows == self.asked.rows))
    }

    fn is_shown(&self, column: Column) -> bool {
        self.asked.columns.contains(&column)
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
        let query = self.query(sort, descending, page);
        format!("{}{HERE}?{query}", self.frame.base)
    }

    /// What this page is asked with.
    fn own_query(&self) -> String {
        self.query(self.asked.sort, self.asked.descending, self.listed.page)
    }

    fn query(&self, sort: Column, descending: bool, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.asked.filter.is_empty() {
            query.append_pair("filter", &self.asked.filter);
        }
        query.append_pair("sort", sort.code());
        if descending {
            query.append_pair("order", "descending");
        }
        if self.asked.rows != PER_PAGE {
            query.append_pair("rows", &self.asked.rows.to_string());
        }
        if self.asked.columns != Column::chosen(&[]) {
            for column in &self.asked.columns {
                query.append_pair("column", column.code());
            }
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        query.finish()
    }

    fn order_of(&self, column: Column) -> &'static str {
        match (self.asked.sort == column, self.asked.descending) {
            (false, _) => "none",
            (true, false) => "ascending",
            (true, true) => "descending",
        }
    }
}

#[cfg(test)]
mod tests;
