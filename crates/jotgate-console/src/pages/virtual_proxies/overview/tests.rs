use std::sync::Arc;

use jotgate_model::Documents;
use jotgate_model::entity::VirtualProxyConfig;

use super::*;

fn documents(count: u128) -> Documents {
    let mut documents = Documents::default();
    for i in 1..=count {
        let mut vp = VirtualProxyConfig {
            prefix: format!("p{i:03}"),
            description: format!("Portal {}", count - i),
            ..Default::default()
        };
        vp.metadata.id = Uuid::from_u128(i);
        documents
            .virtual_proxies
            .insert(vp.metadata.id, Arc::new(vp));
    }
    documents
}

fn asked(filter: &str, sort: Column, descending: bool, page: usize) -> Asked {
    Asked {
        filter: filter.into(),
        sort,
        descending,
        page,
        rows: PER_PAGE,
        columns: Column::chosen(&[]),
    }
}

fn list(documents: &Documents, asked: &Asked) -> Listed {
    super::list(documents, asked, &HashMap::new())
}

#[test]
fn the_list_is_sorted_both_ways_and_cut_into_pages() {
    let documents = documents(120);
    let first = list(&documents, &asked("", Column::Prefix, false, 1));
    assert_eq!((first.all, first.passing, first.last), (120, 120, 3));
    assert_eq!(
        (first.rows.len(), first.rows[0].prefix.as_str()),
        (50, "p001")
    );
    let last = list(&documents, &asked("", Column::Prefix, true, 99));
    assert_eq!((last.page, last.rows.len()), (3, 20));
    assert_eq!(last.rows[19].prefix, "p001");
    let none = list(&documents, &asked("", Column::Prefix, true, 0));
    assert_eq!((none.page, none.rows[0].prefix.as_str()), (1, "p120"));
}

#[test]
fn the_filter_looks_at_every_text() {
    let documents = documents(12);
    let found = list(&documents, &asked(" PORTAL 11 ", Column::Prefix, false, 1));
    assert_eq!((found.passing, found.rows[0].prefix.as_str()), (1, "p001"));
    let found = list(&documents, &asked("p00", Column::Prefix, false, 1));
    assert_eq!(found.passing, 9);
    let found = list(&documents, &asked("ticket", Column::Prefix, false, 1));
    assert_eq!(found.passing, 12);
    let found = list(&documents, &asked("nothing", Column::Prefix, false, 1));
    assert_eq!((found.passing, found.page, found.last), (0, 1, 1));
}

#[test]
fn columns_are_chosen_and_the_description_stays() {
    let chosen = |codes: &[&str]| {
        let codes: Vec<_> = codes.iter().map(|code| (*code).to_owned()).collect();
        let columns = Column::chosen(&codes).into_iter();
        columns.map(Column::code).collect::<Vec<_>>()
    };
    assert_eq!(chosen(&["id", "prefix"]), ["description", "prefix", "id"]);
    assert_eq!(chosen(&["nonsense"]), chosen(&[]));
    assert_eq!(chosen(&[]).len(), 8);
}

#[tokio::test]
async fn addresses_keep_what_was_chosen() {
    let site = crate::testing::site().await;
    let asked = "/qmc/virtual-proxies?filter=central&column=id&rows=20&order=descending";
    let shown = site.get(asked).await.text.replace("&#38;", "&");
    let sorting = "?filter=central&sort=id&rows=20&column=description&column=id\"";
    assert!(shown.contains(sorting), "{shown}");
    assert!(!shown.contains("?filter=central&sort=prefix"), "{shown}");
    assert!(shown.contains("value=\"filter=central&sort=description&order=descending&rows=20&"));
    let usual = site.get("/qmc/virtual-proxies?rows=7").await.text;
    assert!(usual.contains("?sort=prefix\"") && !usual.contains("rows=7"));
}
