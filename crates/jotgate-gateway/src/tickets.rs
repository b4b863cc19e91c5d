//! Signing in with a ticket that a program has got for the user (Qlik help, "Ticket solution").
//!
//! The address of any page may carry it. A browser is sent on to the same address without it, so that
//! it stays in no history, bookmark or Referer; whatever cannot be sent on is served without it.

use std::sync::Arc;

use http::{Method, Response, StatusCode};
use jotgate_model::{Authentication, Reason, Refusal, VirtualProxy};
use jotgate_policy::sign_in::return_path;

use crate::body::ResponseBody;
use crate::exchange::Exchange;
use crate::identify::Identified;
use crate::sanitized::Sanitized;
use crate::sign_ins::SignIn;
use crate::{Shared, open, respond};

/// The session that the request's ticket opens, if the virtual proxy takes tickets. Tickets leave the
/// request in any case: no backend gets one.
///
/// # Errors
/// [`Reason::TicketInvalid`], [`Reason::TokenAmbiguous`] for several, and what keeps every session
/// from being opened.
pub(crate) async fn redeem(
    shared: &Arc<Shared>,
    exchange: &Exchange,
    vp: &Arc<VirtualProxy>,
    request: &mut Sanitized,
) -> Result<Option<Identified>, Refusal> {
    let tickets = request.take_tickets();
    if !matches!(vp.authentication, Authentication::Ticket) {
        return Ok(None);
    }
    let ticket = match tickets.as_slice() {
        [] => return Ok(None),
        [ticket] => ticket,
        _ => {
            let detail = "the address has several tickets";
            return Err(Refusal::with(Reason::TokenAmbiguous, detail));
        }
    };
    let now = crate::now();
    let redeemed = shared
        .sessions
        .redeem_ticket(vp.id, ticket.as_bytes(), now)
        .await
        .map_err(|error| Refusal::with(Reason::SessionStoreUnavailable, error.to_string()))?
        .ok_or_else(|| Refusal::new(Reason::TicketInvalid))?;
    let identity = redeemed.identity;
    let address = &exchange.client_text;
    let new = open::new_session(vp, identity, address, request.user_agent(), now);
    let SignIn { secret, session } = open::in_background(shared, vp, new).await?;
    Ok(Some(Identified {
        session,
        new_secret: Some(secret),
        over_tls: exchange.client.over_tls,
        shared: false,
    }))
}

/// To the same address, without the ticket.
pub(crate) fn send_on(
    vp: &VirtualProxy,
    request: &Sanitized,
    who: &Identified,
) -> Option<Response<ResponseBody>> {
    let can_be_sent = matches!(*request.method(), Method::GET | Method::HEAD);
    if request.is_websocket() || !can_be_sent {
        return None;
    }
    let query = request.query().map(|query| format!("?{query}"));
    let address = format!("{}{}", request.path(), query.unwrap_or_default());
    // A path that begins with two slashes would be another host's.
    let address = return_path(&address, vp.prefix.as_str(), |_| false)
        .map_or_else(|| format!("{}/", respond::prefix_path(vp)), str::to_owned);
    let mut response = respond::redirect(&address, StatusCode::FOUND)?;
    respond::set_cookie(&mut response, vp, who);
    Some(response)
}
