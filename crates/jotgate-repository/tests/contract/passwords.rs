use jotgate_model::{Timestamp, User};
use jotgate_repository::StoredUser;

use crate::support::{Place, entry};

pub(crate) async fn a_setting_buys_one_user(place: Place) {
    let repository = place.open().await;
    let now = Timestamp::from_millis(1000);
    let user = |id: &str| StoredUser::new(User::new("INTERNAL", id), "x", now);
    repository.set_setting("link", "v").await.unwrap();
    let trade = async |value: &str, id: &str, hash: &str| {
        let user = user(id);
        let traded = repository.trade_setting_for_user(("link", value), &user, hash, now, entry(1));
        traded.await.unwrap()
    };
    assert!(!trade("w", "anna", "h1").await);
    assert!(trade("v", "anna", "h2").await);
    assert!(!trade("v", "boz", "h3").await);
    let hash = async |id: &str| {
        repository
            .password_hash(&user(id).user.key())
            .await
            .unwrap()
    };
    assert_eq!(hash("ANNA").await.as_deref(), Some("h2"));
    assert_eq!(hash("boz").await, None);
    assert_eq!(repository.count_users().await.unwrap(), 1);

    // Another password of the same user; with the user it is gone.
    let again = user("Anna");
    let before = repository.user_of_name(&again.user.key()).await.unwrap();
    let put = repository.put_user_with_password(before.as_ref(), &again, "h4", now, entry(1));
    assert_eq!(put.await, Ok(true));
    assert_eq!(hash("anna").await.as_deref(), Some("h4"));
    let stored = repository.user_of_name(&again.user.key()).await.unwrap();
    repository
        .delete_user(stored.unwrap().id, entry(1))
        .await
        .unwrap();
    assert_eq!(hash("anna").await, None);
}
