use jotgate_model::Timestamp;
use jotgate_repository::StoredApiKey;
use uuid::Uuid;

use crate::support::{Place, entry};

fn key(number: u8) -> StoredApiKey {
    StoredApiKey {
        id: Uuid::from_u128(u128::from(number)),
        name: format!("key, {number}"),
        hash: [number; 32],
        actions: vec!["keys.write".to_owned()],
        virtual_proxies: vec![Uuid::from_u128(7), Uuid::from_u128(8)],
        created: Timestamp::from_millis(i64::from(number)),
        created_by: r"LAB\root".to_owned(),
        expires: Timestamp::from_millis(99),
        last_used: None,
        last_used_from: None,
    }
}

pub(crate) async fn keys_come_back_are_limited_and_go(place: Place) {
    let repository = place.open().await;
    assert!(repository.add_api_key(&key(1), 2, entry(1)).await.unwrap());
    assert!(repository.add_api_key(&key(2), 2, entry(1)).await.unwrap());
    assert!(!repository.add_api_key(&key(3), 2, entry(1)).await.unwrap());
    let used = Timestamp::from_millis(50);
    repository
        .note_api_key_use(key(2).id, used, "::1")
        .await
        .unwrap();
    drop(repository);

    let repository = place.open().await;
    let mut second = key(2);
    second.last_used = Some(used);
    second.last_used_from = Some("::1".to_owned());
    assert_eq!(repository.api_keys().await.unwrap(), [key(1), second]);
    assert!(
        repository
            .remove_api_key(key(1).id, entry(1))
            .await
            .unwrap()
    );
    assert!(
        !repository
            .remove_api_key(key(1).id, entry(1))
            .await
            .unwrap()
    );
    assert_eq!(repository.api_keys().await.unwrap().len(), 1);
}
