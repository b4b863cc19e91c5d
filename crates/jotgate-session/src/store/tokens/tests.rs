use super::*;

fn id(n: u128) -> TokenId {
    TokenId::new(Uuid::from_u128(n), "jti")
}

#[test]
fn the_same_id_counts_once_until_its_time_is_up() {
    let tokens = UsedTokens::new(10);
    let take = |now| tokens.take(id(1), UnixTime(100), UnixTime(now));
    assert_eq!(take(0), Use::First(UnixTime(100 + MARGIN)));
    assert_eq!(take(0), Use::Again);
    assert_eq!(take(100 + MARGIN - 1), Use::Again);
    assert_eq!(take(100 + MARGIN), Use::First(UnixTime(100 + 2 * MARGIN)));
}

#[test]
fn virtual_proxy_and_jti_are_both_part_of_the_id() {
    let jti = |vp, jti| TokenId::new(Uuid::from_u128(vp), jti);
    assert_ne!(jti(1, "a"), jti(2, "a"));
    assert_ne!(jti(1, "a"), jti(1, "b"));
    assert_eq!(jti(1, ""), jti(1, ""));
}

#[test]
fn a_full_store_refuses_and_never_forgets_early() {
    let tokens = UsedTokens::new(2);
    let take = |n, now| tokens.take(id(n), UnixTime(100), UnixTime(now));
    assert_eq!(take(1, 0), Use::First(UnixTime(400)));
    assert_eq!(take(2, 0), Use::First(UnixTime(400)));
    assert_eq!(take(3, 0), Use::Full);
    assert_eq!(take(1, 0), Use::Again);
    for turn in 0..SHARDS {
        tokens.forget(turn, UnixTime(399));
    }
    assert_eq!(take(3, 399), Use::Full);
    for turn in 0..SHARDS {
        tokens.forget(turn, UnixTime(400));
    }
    assert_eq!(take(3, 400), Use::First(UnixTime(700)));
    assert_eq!(tokens.count.load(Ordering::Relaxed), 1);
}

#[test]
fn what_could_not_be_written_can_be_used_again() {
    let tokens = UsedTokens::new(1);
    let take = || tokens.take(id(1), UnixTime(100), UnixTime(0));
    assert_eq!(take(), Use::First(UnixTime(400)));
    tokens.give_back(id(1));
    assert_eq!(take(), Use::First(UnixTime(400)));
}

#[test]
fn the_end_of_time_does_not_overflow() {
    let tokens = UsedTokens::new(1);
    let max = UnixTime(i64::MAX);
    assert_eq!(tokens.take(id(1), max, UnixTime(0)), Use::First(max));
}
