//! Going back to what was: shown first, as any other change.

use axum::extract::Path;
use axum::response::Response;

use super::find;
use crate::frame::Stop;
use crate::pages::changes::{Proposal, preview};
use crate::visit::Visit;

pub(super) async fn ask(visit: Visit, Path(number): Path<String>) -> Result<Response, Stop> {
    let revision = find(&visit, &number).await?.revision;
    preview(&visit, Proposal::revision(revision)).await
}
