//! What the repository promises, whichever database is behind it.
//!
//! Each promise is a function over a place with an empty database; the macro runs all of them in
//! each kind of place.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod api_keys;
mod audit;
mod documents;
mod kill;
mod passwords;
mod revocations;
mod support;
mod users;
mod writers;

macro_rules! contract {
    ($($file:ident { $($promise:ident)* })*) => {
        contract!(@kind sqlite, $($file { $($promise)* })*);
        contract!(@kind postgres, $($file { $($promise)* })*);
    };
    (@kind $kind:ident, $($file:ident { $($promise:ident)* })*) => {
        mod $kind {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    crate::$file::$promise(crate::support::Place::$kind()).await;
                }
            )*)*
        }
    };
}

contract! {
    api_keys {
        keys_come_back_are_limited_and_go
    }
    audit {
        two_nodes_write_one_chain_at_once
        rows_are_found_by_what_they_say
        what_no_database_stores_is_replaced_before_it_is_sealed
        a_save_that_is_refused_leaves_no_row
    }
    documents {
        documents_are_created_replaced_and_deleted
        everything_is_there_after_a_drop_without_close
        revisions_are_listed_newest_first
        the_documents_of_every_revision_can_be_read_again
        settings_are_set_and_replaced
        of_first_settings_one_stands
        ten_thousand_documents_are_saved_and_read
        nothing_is_done_after_the_end
    }
    kill {
        whoever_is_killed_leaves_whole_saves_with_their_rows
    }
    passwords {
        a_setting_buys_one_user
    }
    revocations {
        revocations_are_kept_until_they_are_over
        they_are_bounded_and_those_that_are_over_make_room
    }
    users {
        the_first_sign_in_makes_a_user_and_later_ones_keep_the_newest_attributes
        pages_hold_everybody_once_in_order
        pages_are_in_the_order_that_is_asked_for
        users_are_ordered_by_bytes
        users_are_found_by_their_names_in_any_case
        a_name_that_no_text_can_hold_is_nobody_s
        two_nodes_note_the_same_users_at_once
    }
    writers {
        a_save_that_is_based_on_an_old_revision_changes_nothing
        two_nodes_never_undo_each_other
        a_save_that_nobody_waits_for_leaves_nothing_half_done
        a_reader_sees_one_moment
        marks_tell_of_saves
    }
}
