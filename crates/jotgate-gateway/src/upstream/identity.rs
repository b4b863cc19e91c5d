//! The identity headers of sessions, kept by each worker between their requests.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use hashbrown::HashMap;
use jotgate_model::{Refusal, Uuid};
use jotgate_policy::identity_headers::{self, Asker, Context, Prepared, Surroundings};
use jotgate_session::Session;

use super::Outgoing;
use crate::exchange::Exchange;

/// Sessions whose headers a worker keeps: about half a kilobyte each.
const MAX_KEPT: usize = 4096;

thread_local! {
    static KEPT: RefCell<HashMap<Key, Kept>> = RefCell::default();
}

/// What the headers depend on. The session is named by its address, which no other session can have
/// while [`Kept`] holds it; the revision changes with the virtual proxy.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    session: usize,
    virtual_proxy: Uuid,
    revision: u64,
    over_tls: bool,
    context: Context,
}

struct Kept {
    prepared: Rc<Prepared>,
    _session: Arc<Session>,
}

/// Who asks, in the headers that stay the same from request to request.
pub(super) fn headers(
    sent: &Outgoing<'_>,
    exchange: &Exchange,
    user_agent: &str,
) -> Result<Rc<Prepared>, Refusal> {
    let vp = sent.virtual_proxy;
    let key = Key {
        session: Arc::as_ptr(sent.session).addr(),
        virtual_proxy: vp.id,
        revision: vp.revision,
        over_tls: exchange.client.over_tls,
        context: Context::of(sent.path),
    };
    let can_be_kept = identity_headers::can_be_kept(vp);
    if can_be_kept
        && let Some(prepared) =
            KEPT.with_borrow(|kept| kept.get(&key).map(|kept| kept.prepared.clone()))
    {
        return Ok(prepared);
    }
    let prepared = Rc::new(prepare(sent, exchange, user_agent, key.context)?);
    if can_be_kept {
        KEPT.with_borrow_mut(|kept| {
            if kept.len() >= MAX_KEPT {
                kept.clear();
            }
            kept.insert(
                key,
                Kept {
                    prepared: prepared.clone(),
                    _session: sent.session.clone(),
                },
            );
        });
    }
    Ok(prepared)
}

fn prepare(
    sent: &Outgoing<'_>,
    exchange: &Exchange,
    user_agent: &str,
    context: Context,
) -> Result<Prepared, Refusal> {
    let session = sent.session;
    let asker = Asker {
        directory: session.user_directory(),
        id: session.user_id(),
        session: session.public_id(),
    };
    let around = Surroundings {
        virtual_proxy: sent.virtual_proxy,
        proxy_id: sent.snapshot.proxy_id,
        context,
        over_tls: exchange.client.over_tls,
        client_address: &exchange.client_text,
        user_agent,
    };
    let attributes: Vec<(&str, &str)> = session.attributes().collect();
    identity_headers::prepare(&asker, attributes.iter().copied(), &around)
}
