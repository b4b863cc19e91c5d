use super::*;
use crate::store::memory::Memory;
use crate::store::tests::{RULES, new_session};
use crate::{EndReason, SessionSecret};

fn fill(memory: &Memory, user: &str, count: usize) -> Vec<Arc<Session>> {
    let add = |_| {
        let secret = SessionSecret::generate();
        memory.reserve(&new_session(user), &secret).unwrap()
    };
    (0..count).map(add).collect()
}

/// Few sessions of a user lie in the common table, many in one of their own, and back.
#[test]
fn every_number_of_sessions_is_found_and_removed() {
    let memory = Memory::new(1000, 0);
    let others = fill(&memory, "other", 3);
    let vp = others[0].virtual_proxy();
    for count in [1, CROWD - 1, CROWD, CROWD + 1, 3 * CROWD] {
        let sessions = fill(&memory, "boz", count);
        let user = sessions[0].user();
        assert_eq!(memory.users.sessions_of(vp, &user).len(), count);
        assert!(memory.users.sessions_of(Uuid::nil(), &user).is_empty());
        for (i, session) in sessions.iter().enumerate() {
            assert!(memory.finish(session, EndReason::LoggedOut));
            assert_eq!(memory.users.sessions_of(vp, &user).len(), count - i - 1);
        }
        assert_eq!(memory.users.sessions_of(vp, &others[0].user()).len(), 3);
    }
    assert_eq!(memory.len(), 3);
    assert!(
        memory
            .users
            .shards
            .iter()
            .all(|shard| shard.lock().crowds.is_empty())
    );
}

#[test]
fn a_limit_above_the_size_of_a_crowd_holds() {
    let memory = Memory::new(1000, 0);
    let mut admitted = 0;
    for _ in 0..100 {
        let mut new = new_session("boz");
        new.max_per_user = Some(40);
        new.rules = RULES;
        admitted += u32::from(memory.reserve(&new, &SessionSecret::generate()).is_ok());
    }
    assert_eq!(admitted, 40);
}

/// A user without a limit must not slow the others down, nor himself.
#[test]
fn very_many_sessions_of_one_user_stay_fast() {
    let memory = Memory::new(100_000, 0);
    let sessions = fill(&memory, "boz", 50_000);
    for session in &sessions {
        memory.finish(session, EndReason::ClosedByServer);
    }
    assert_eq!(memory.len(), 0);
}
