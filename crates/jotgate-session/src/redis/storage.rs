//! Writing what the journal's queue has collected.

use std::io::ErrorKind::TimedOut;
use std::sync::Arc;

use redis::{RedisError, ScriptInvocation};
use tokio::time::timeout;

use super::connect::Link;
use super::record::{KEPT, public_id, seal_session};
use super::scripts::OTHER_STORE;
use super::seal::hex;
use super::{PATIENCE, Site, key};
use crate::journal::{Batch, StorageError, Written};
use crate::secret::fill_random;
use crate::store::{Memory, TokenId};
use crate::{EndReason, OpenError, Session, SessionError, SessionKey};

/// How many operations one script has: Redis does nothing else meanwhile.
const OPERATIONS: usize = 200;

/// How many changes the stream keeps: what a node may miss before it reads everything anew.
const CHANGES: usize = 100_000;

/// For how long a used token is remembered at most, in milliseconds: 30,000 years. Redis refuses an end that its
/// clock cannot hold, and with it the whole script, whoever else's sessions are in it.
const LONGEST_MEMORY: u64 = 1_000_000_000_000_000;

/// The writer's side of the store.
pub(crate) struct RedisStorage {
    site: Site,
    link: Link,
    memory: Arc<Memory>,
    generation: u64,
}

/// What the script does.
#[derive(Clone)]
pub(super) enum Operation {
    Create(Arc<Session>, Option<Limit>),
    End(Arc<Session>),
    Use(Arc<Session>),
    Token { id: TokenId, millis: u64 },
}

/// How many sessions a user may have, and which do not count.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) max: u32,
    pub(crate) run_out: Vec<SessionKey>,
}

impl RedisStorage {
    pub(super) fn new(site: Site, memory: Arc<Memory>) -> Self {
        let generation = site.pulse.generation();
        Self {
            site,
            link: Link::new(),
            memory,
            generation,
        }
    }

    /// Writes a batch. What is refused is in the answer; an error leaves open what was written.
    pub(crate) async fn write(&mut self, batch: &Batch) -> Result<Written, StorageError> {
        self.repeat_what_may_be_lost().await?;
        let mut operations = Vec::new();
        for creation in &batch.creations {
            let session = Arc::clone(&creation.session);
            // From here on it may be there: its end has to be written, whatever comes of this.
            session.set_number(KEPT);
            operations.push(Operation::Create(session, creation.limit.clone()));
        }
        let ends = batch.ends.iter().map(Arc::clone).map(Operation::End);
        operations.extend(ends);
        for token_use in &batch.token_uses {
            let seconds = token_use.until.0.saturating_sub(token_use.now.0).max(1);
            let millis = u64::try_from(seconds).unwrap_or(1).saturating_mul(1_000);
            let millis = millis.min(LONGEST_MEMORY);
            let id = token_use.id;
            operations.push(Operation::Token { id, millis });
        }
        // Before they are written: whoever reads everything anew meanwhile must not bring them back.
        self.site.recent.add(&operations);
        let results = self.run(&operations).await?;
        Ok(written(batch, &results))
    }

    /// Writes when sessions were last used.
    pub(crate) async fn write_activity(
        &mut self,
        sessions: &[Arc<Session>],
    ) -> Result<(), StorageError> {
        let live = sessions.iter().filter(|session| session.ended().is_none());
        let operations: Vec<_> = live.map(Arc::clone).map(Operation::Use).collect();
        self.run(&operations).await.map(drop)
    }

    /// Writes nothing new, to see whether that works.
    pub(crate) async fn probe(&mut self) -> Result<(), StorageError> {
        self.repeat_what_may_be_lost().await?;
        self.call(&[]).await.map(drop)
    }

    /// Writes what changes nothing: a user who may not write is to be found out before somebody signs in.
    pub(super) async fn try_rights(&mut self) -> Result<(), OpenError> {
        let mut nobody = [0; 32];
        fill_random(&mut nobody);
        let nobody = nobody.as_slice();
        let mut call = self.site.write();
        call.arg("e").arg(nobody).arg(0);
        call.arg(key("user:")).arg(nobody);
        call.arg("u").arg(nobody).arg(0);
        call.arg("t")
            .arg(key(&format!("token:{}", hex(nobody))))
            .arg(1);
        let tried: Result<(), RedisError> = async {
            let (connection, _) = self.link.get(&self.site).await?;
            call.invoke_async(connection).await
        }
        .await;
        tried.map_err(|error| OpenError::of_store(super::follower::describe(&error)))
    }

    async fn run(&mut self, operations: &[Operation]) -> Result<Vec<i64>, StorageError> {
        let mut results = Vec::with_capacity(operations.len());
        for some in operations.chunks(OPERATIONS) {
            results.append(&mut self.call(some).await?);
            self.end_copies(some);
        }
        Ok(results)
    }

    /// While an end could not be written, the store still had the session, and memory may have got it
    /// from there once more.
    fn end_copies(&self, operations: &[Operation]) {
        for operation in operations {
            if let Operation::End(session) = operation
                && let Some(copy) = self.memory.table.find(&session.key())
                && copy.public_id() == session.public_id()
            {
                let reason = session.ended().unwrap_or(EndReason::ClosedByServer);
                self.memory.finish(&copy, reason);
            }
        }
    }

    async fn call(&mut self, operations: &[Operation]) -> Result<Vec<i64>, StorageError> {
        let called = timeout(PATIENCE, self.try_call(operations)).await;
        let called = called.unwrap_or_else(|_| Err(std::io::Error::from(TimedOut).into()));
        called.map_err(|error| {
            if error.code() == Some(OTHER_STORE) {
                return "the shared session store has lost its memory".into();
            }
            self.link.forget();
            StorageError::from(super::follower::describe(&error))
        })
    }

    async fn try_call(&mut self, operations: &[Operation]) -> Result<Vec<i64>, RedisError> {
        let Site { seal, pulse, .. } = &self.site;
        let mut call = self.site.write();
        for operation in operations {
            match operation {
                Operation::Create(session, limit) => {
                    let run_out = limit.as_ref().map_or(&[][..], |limit| &limit.run_out);
                    call.arg("c")
                        .arg(session.key().as_bytes().as_slice())
                        .arg(seal_session(seal, pulse, session))
                        .arg(pulse.to_store(session.last_activity()))
                        .arg(seal.user(session.virtual_proxy(), &session.user()))
                        .arg(limit.as_ref().map_or(0, |limit| limit.max))
                        .arg(run_out.len());
                    for key in run_out {
                        call.arg(key.as_bytes().as_slice());
                    }
                }
                Operation::End(session) => {
                    let reason = session.ended().map_or(0, |reason| reason as u8);
                    call.arg("e")
                        .arg(session.key().as_bytes().as_slice())
                        .arg([reason].as_slice())
                        .arg(seal.user(session.virtual_proxy(), &session.user()))
                        .arg(public_id(session).as_bytes().as_slice());
                }
                Operation::Use(session) => {
                    call.arg("u")
                        .arg(session.key().as_bytes().as_slice())
                        .arg(pulse.to_store(session.last_activity()));
                }
                Operation::Token { id, millis } => {
                    call.arg("t")
                        .arg(key(&format!("token:{}", hex(id.as_bytes()))))
                        .arg(*millis);
                }
            }
        }
        let (connection, _) = self.link.get(&self.site).await?;
        call.invoke_async(connection).await
    }

    /// Once everything was read anew: Redis may be another server than the one that was written to.
    async fn repeat_what_may_be_lost(&mut self) -> Result<(), StorageError> {
        let generation = self.site.pulse.generation();
        if generation == self.generation {
            return Ok(());
        }
        self.run(&self.site.recent.all()).await?;
        self.generation = generation;
        Ok(())
    }
}

impl Site {
    /// A call of the script that writes, without operations yet.
    fn write(&self) -> ScriptInvocation<'_> {
        let mut call = self.scripts.write.prepare_invoke();
        for name in ["store", "sessions", "activity", "changes"] {
            call.key(key(name));
        }
        call.arg(self.pulse.store().id);
        call.arg(self.pulse.node()).arg(CHANGES);
        call
    }
}

/// What the results of the script mean for a batch.
fn written(batch: &Batch, results: &[i64]) -> Written {
    let (creations, rest) = results.split_at(batch.creations.len().min(results.len()));
    let tokens = rest.get(batch.ends.len()..).unwrap_or_default();
    let refused = creations.iter().enumerate().filter_map(|(at, result)| {
        let error = match result {
            0 => return None,
            1 => SessionError::IdTaken,
            _ => SessionError::Exhausted,
        };
        Some((at, error))
    });
    let again = batch.token_uses.iter().zip(tokens);
    Written {
        numbers: vec![KEPT; creations.len()],
        refused: refused.collect(),
        repeated: again
            .filter(|(_, result)| **result != 0)
            .map(|(token_use, _)| token_use.id)
            .collect(),
    }
}
