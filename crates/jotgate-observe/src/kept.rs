//! A request in compact form: for the live feed, and on its way to a collector of traces.

use std::sync::Arc;
use std::time::Duration;

use jotgate_model::{PresentedToken, Reason, Timestamp, Uuid};

use crate::AccessRecord;
use crate::feed::{FeedFilter, FeedOutcome, RecentRequest};
use crate::phase::{Phase, PhaseTimes};

/// How many texts a record has.
const TEXTS: usize = 11;
/// The longest that each may be, in bytes, in the order of [`texts`]. Together they fit into 16 bits.
const LONGEST: [usize; TEXTS] = [32, 64, 32, 1024, 128, 256, 256, 128, 128, 1024, 256];
/// Longer buffers are given back instead of being used for the next record.
const REUSED_TEXT: usize = 1024;

/// The texts of a record, in the order in which they are kept.
fn texts<'a>(record: &AccessRecord<'a>) -> [&'a str; TEXTS] {
    let (directory, user) = record.user.unwrap_or_default();
    let detail = record.refusal.and_then(|(_, detail)| detail);
    [
        record.reference,
        record.client,
        record.method,
        record.path,
        record.virtual_proxy.unwrap_or_default(),
        directory,
        user,
        record.session.unwrap_or_default(),
        record.node.unwrap_or_default(),
        detail.unwrap_or_default(),
        record.user_agent,
    ]
}

/// A request in about 200 bytes and one allocation, which is used again.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) sequence: u64,
    time: Timestamp,
    pub(crate) virtual_proxy: Option<Uuid>,
    token: Option<Arc<PresentedToken>>,
    texts: String,
    ends: [u16; TEXTS],
    pub(crate) phases: PhaseTimes,
    pub(crate) total: Duration,
    pub(crate) waiting: Option<Duration>,
    pub(crate) status: u16,
    pub(crate) phase: Phase,
    pub(crate) reason: Option<Reason>,
}

impl Kept {
    /// `buffer` is used for the texts.
    pub(crate) fn new(sequence: u64, record: &AccessRecord<'_>, mut buffer: String) -> Self {
        buffer.clear();
        let mut ends = [0; TEXTS];
        for (at, text) in texts(record).into_iter().enumerate() {
            buffer.push_str(cut(text, LONGEST[at]));
            ends[at] = u16::try_from(buffer.len()).unwrap_or(u16::MAX);
        }
        Self {
            sequence,
            time: record.time,
            virtual_proxy: record.virtual_proxy_id,
            token: record.token.cloned(),
            texts: buffer,
            ends,
            phases: record.phases,
            total: record.total,
            waiting: record.waiting,
            status: record.status,
            phase: record.phase,
            reason: record.refusal.map(|(reason, _)| reason),
        }
    }

    /// The buffer of its texts, unless it has become too large to keep.
    pub(crate) fn into_buffer(self) -> String {
        if self.texts.capacity() > REUSED_TEXT {
            return String::new();
        }
        self.texts
    }

    fn text(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        let range = usize::from(start)..usize::from(self.ends[at]);
        self.texts.get(range).unwrap_or_default()
    }

    pub(crate) fn reference(&self) -> &str {
        self.text(0)
    }

    pub(crate) fn client(&self) -> &str {
        self.text(1)
    }

    pub(crate) fn method(&self) -> &str {
        self.text(2)
    }

    pub(crate) fn path(&self) -> &str {
        self.text(3)
    }

    pub(crate) fn prefix(&self) -> &str {
        self.text(4)
    }

    pub(crate) fn node(&self) -> &str {
        self.text(8)
    }

    pub(crate) fn user_agent(&self) -> &str {
        self.text(10)
    }

    /// The memory that it takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        let token = self.token.as_ref();
        let token = token.map_or(0, |token| size_of::<PresentedToken>() + token.size());
        size_of::<Self>() + self.texts.capacity() + token
    }

    pub(crate) fn passes(&self, filter: &FeedFilter) -> bool {
        let outcome = match self.reason {
            None => FeedOutcome::Served,
            Some(_) => FeedOutcome::Refused,
        };
        let is_user = |(directory, id): &(String, String)| {
            self.text(5) == cut(directory, LONGEST[5]) && self.text(6) == cut(id, LONGEST[6])
        };
        self.sequence > filter.after
            && filter
                .virtual_proxy
                .is_none_or(|id| self.virtual_proxy == Some(id))
            && filter.outcome.is_none_or(|wanted| wanted == outcome)
            && filter
                .reason
                .is_none_or(|reason| self.reason == Some(reason))
            && filter.user.as_ref().is_none_or(is_user)
            && filter
                .reference
                .as_ref()
                .is_none_or(|reference| self.text(0) == reference)
            && !(filter.without_console && self.is_of_console())
    }

    /// Whether the console has answered it.
    fn is_of_console(&self) -> bool {
        let path = match self.prefix() {
            "" => Some(self.path()),
            prefix => self
                .path()
                .strip_prefix('/')
                .and_then(|path| path.strip_prefix(prefix)),
        };
        let area = path.and_then(|path| path.strip_prefix('/')?.split('/').next());
        self.reason.is_none() && area.is_some_and(|area| area.eq_ignore_ascii_case("qmc"))
    }

    pub(crate) fn to_request(&self) -> RecentRequest {
        let text = |at| Box::<str>::from(self.text(at));
        let some = |at| (!self.text(at).is_empty()).then(|| text(at));
        RecentRequest {
            sequence: self.sequence,
            time: self.time,
            reference: text(0),
            client: text(1),
            method: text(2),
            path: text(3),
            virtual_proxy: self.virtual_proxy.map(|id| (id, text(4))),
            user: some(6).map(|user| (text(5), user)),
            session: some(7),
            node: some(8),
            status: self.status,
            phase: self.phase,
            reason: self.reason,
            detail: some(9),
            phases: self.phases,
            total: self.total,
            waiting: self.waiting,
            user_agent: text(10),
            token: self.token.clone(),
        }
    }
}

/// The beginning of `text`, at most `longest` bytes, in whole characters.
fn cut(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}
