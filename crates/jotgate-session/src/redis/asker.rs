//! What cannot wait for the follower or the writer: whether something newer was written, and tickets.

use std::sync::Arc;

use redis::{RedisError, Value, pipe};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::connect::Link;
use super::follower::{Position, ask_for_last, position_of};
use super::seal::{Purpose, hex};
use super::{PATIENCE, Pulse, Site, key};
use crate::{SessionError, SessionKey};

/// How many may wait; more are refused.
const WAITING: usize = 65_536;

/// The handle to the task.
pub(crate) struct Asker {
    questions: mpsc::Sender<Question>,
    pulse: Arc<Pulse>,
}

enum Question {
    /// The newest place in the stream.
    Newest(oneshot::Sender<Position>),
    /// Keeps a ticket or a note for so many seconds.
    Keep(Purpose, SessionKey, Vec<u8>, i64, oneshot::Sender<()>),
    /// Reads a note.
    Read(SessionKey, oneshot::Sender<Option<Vec<u8>>>),
    /// Takes the right to write a note for so many seconds.
    Claim(SessionKey, i64, oneshot::Sender<bool>),
    /// Takes a ticket away.
    Take(SessionKey, oneshot::Sender<Option<Vec<u8>>>),
}

impl Asker {
    pub(super) fn start(site: Site) -> Self {
        let (questions, asked) = mpsc::channel(WAITING);
        let pulse = Arc::clone(&site.pulse);
        tokio::spawn(answer(site, asked));
        Self { questions, pulse }
    }

    /// Waits until memory has everything that was written before this was called.
    pub(crate) async fn catch_up(&self) -> Result<(), SessionError> {
        let caught_up = timeout(PATIENCE, async {
            let newest = self.ask(Question::Newest).await?;
            let reached = self.pulse.reached(newest).await;
            reached.map_err(|_| SessionError::Unavailable)
        });
        caught_up.await.map_err(|_| SessionError::Unavailable)?
    }

    /// Keeps a ticket, which is sealed on the way.
    pub(crate) async fn keep_ticket(
        &self,
        ticket: SessionKey,
        text: Vec<u8>,
        seconds: i64,
    ) -> Result<(), SessionError> {
        self.ask(|answer| Question::Keep(Purpose::Ticket, ticket, text, seconds, answer))
            .await
    }

    /// Keeps a note, which is sealed on the way.
    pub(crate) async fn keep_note(
        &self,
        note: SessionKey,
        text: Vec<u8>,
        seconds: i64,
    ) -> Result<(), SessionError> {
        self.ask(|answer| Question::Keep(Purpose::Note, note, text, seconds, answer))
            .await
    }

    /// The text of a note.
    pub(crate) async fn read_note(
        &self,
        note: SessionKey,
    ) -> Result<Option<Vec<u8>>, SessionError> {
        self.ask(|answer| Question::Read(note, answer)).await
    }

    /// Whether this node is the one to write a note, for so many seconds.
    pub(crate) async fn claim_note(
        &self,
        note: SessionKey,
        seconds: i64,
    ) -> Result<bool, SessionError> {
        self.ask(|answer| Question::Claim(note, seconds, answer))
            .await
    }

    /// The text of a ticket, once.
    pub(crate) async fn take_ticket(
        &self,
        ticket: SessionKey,
    ) -> Result<Option<Vec<u8>>, SessionError> {
        self.ask(|answer| Question::Take(ticket, answer)).await
    }

    async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
    ) -> Result<T, SessionError> {
        let (answer, answered) = oneshot::channel();
        self.questions
            .try_send(question(answer))
            .map_err(|_| SessionError::Unavailable)?;
        let answered = timeout(PATIENCE, answered).await;
        answered
            .map_err(|_| SessionError::Unavailable)?
            .map_err(|_| SessionError::Unavailable)
    }
}

/// Answers until the store is gone. Whoever asks for the newest place while another one's question is
/// under way shares the next one.
async fn answer(site: Site, mut asked: mpsc::Receiver<Question>) {
    let mut link = Link::new();
    let mut questions = Vec::new();
    while asked.recv_many(&mut questions, WAITING).await > 0 {
        let answered = timeout(PATIENCE, async {
            // A connection that was lost meanwhile fails at once; a new one may not.
            for _ in 0..2 {
                match answer_all(&site, &mut link, &mut questions).await {
                    Ok(()) => break,
                    Err(_) => link.forget(),
                }
            }
        });
        // Nobody waits any longer, and those who ask now need not wait for this.
        if answered.await.is_err() {
            link.forget();
        }
        // Dropping a question answers it: the store is not available.
        questions.clear();
    }
}

/// Answers all of them with one message to the store and back: one that is slow is asked no more often.
async fn answer_all(
    site: &Site,
    link: &mut Link,
    questions: &mut Vec<Question>,
) -> Result<(), RedisError> {
    let mut commands = pipe();
    for question in &*questions {
        match question {
            Question::Newest(_) => {}
            Question::Keep(purpose, owner, text, seconds, _) => {
                let sealed = site.seal.seal(*purpose, owner, text.clone());
                let set = commands.cmd("SET").arg(name_of(*purpose, owner));
                set.arg(sealed).arg("EX").arg((*seconds).max(1));
            }
            Question::Take(ticket, _) => {
                commands.cmd("GETDEL").arg(name_of(Purpose::Ticket, ticket));
            }
            Question::Read(note, _) => {
                commands.cmd("GET").arg(name_of(Purpose::Note, note));
            }
            Question::Claim(note, seconds, _) => {
                let set = commands.cmd("SET");
                set.arg(key(&format!("claim:{}", hex(note.as_bytes()))));
                set.arg(site.pulse.node()).arg("NX");
                set.arg("EX").arg((*seconds).max(1));
            }
        }
    }
    commands.add_command(ask_for_last());
    let (connection, _) = link.get(site).await?;
    let mut answers: Vec<Value> = commands.query_async(connection).await?;
    let newest = position_of(answers.pop().unwrap_or(Value::Nil))?;
    let mut answers = answers.into_iter();
    let mut next = || answers.next().unwrap_or(Value::Nil);
    let open = |purpose, owner: &SessionKey, value| -> Result<Option<Vec<u8>>, RedisError> {
        let sealed: Option<Vec<u8>> = redis::from_redis_value(value)?;
        Ok(sealed.and_then(|sealed| site.seal.open(purpose, owner, &sealed)))
    };
    // Whoever stopped waiting needs no answer.
    for question in questions.drain(..) {
        match question {
            Question::Newest(answer) => drop(answer.send(newest)),
            Question::Keep(.., answer) => {
                next();
                answer.send(()).ok();
            }
            Question::Take(ticket, answer) => {
                let text = open(Purpose::Ticket, &ticket, next())?;
                answer.send(text).ok();
            }
            Question::Read(note, answer) => {
                let text = open(Purpose::Note, &note, next())?;
                answer.send(text).ok();
            }
            Question::Claim(_, _, answer) => {
                answer.send(next() != Value::Nil).ok();
            }
        }
    }
    Ok(())
}

fn name_of(purpose: Purpose, owner: &SessionKey) -> String {
    let kind = if purpose == Purpose::Note {
        "note"
    } else {
        "ticket"
    };
    key(&format!("{kind}:{}", hex(owner.as_bytes())))
}
