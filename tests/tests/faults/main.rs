//! Bad days: which test shows what happens on each. The tests stand beside what they are about; here
//! are those that are about several things at once, and one that keeps this table true.
//!
//! | fault | what happens | shown by |
//! |---|---|---|
//! | a backend is down | 502, and the next node takes over | `backends/failures.rs: a_backend_that_is_not_there_is_a_502_with_a_reason`, `backends/nodes.rs: the_second_node_takes_over_from_one_that_is_down` |
//! | it is slow | 504 | `backends/failures.rs: a_backend_that_does_not_answer_in_time_is_a_504` |
//! | it speaks nonsense | 502, and its connection is not used again | `backends/failures.rs: nonsense_is_a_502_and_the_connection_is_not_used_again` |
//! | it comes back | it is asked at once | `regressions.rs: a_node_that_is_back_is_asked_at_once` |
//! | all of that at once | nobody gets what is another user's | `faults/users.rs: no_user_gets_an_answer_for_another_one` |
//! | it dies with WebSockets open | they end, and new ones open at the next node | `faults/sockets.rs: sockets_of_a_backend_that_dies_end_and_open_again_elsewhere` |
//! | a source of keys is down | the last good keys go on | `key_sets/failures.rs: no_failure_changes_a_verdict_and_every_one_passes` |
//! | kill -9 | what was acknowledged is there | `crash.rs: a_hundred_saves_and_a_hundred_sign_ins_survive_kill_9`, `crash.rs: who_has_logged_out_stays_logged_out_after_kill_9`, `crash.rs: a_deleted_virtual_proxy_stays_deleted_after_kill_9` |
//! | the disk is full | saves and sign-ins are refused, traffic goes on | `crash.rs: a_full_disk_refuses_saves_and_sign_ins_and_serves_on` |
//! | the data directory cannot be used | one sentence and an exit code | `bad_input.rs: a_data_directory_that_cannot_be_written`, `bad_input.rs: a_data_directory_with_something_else_in_it`, `bad_input.rs: a_data_directory_that_another_process_has`, `bad_input.rs: a_database_that_is_none`, `bad_input.rs: a_database_of_a_newer_version` |
//! | a port is taken | the same | `bad_input.rs: a_port_that_is_taken` |
//! | a setting is wrong | the same, with the name of the setting | `bad_settings.rs: a_value_that_cannot_be_used_in_a_flag`, `bad_settings.rs: a_setting_that_there_is_not`, `bad_settings.rs: settings_that_do_not_go_together` |
//! | a configuration is wrong | it is refused as a whole, and the field is named | `live_changes.rs: a_refused_save_changes_nothing`, `bad_saves.rs: keys_that_cannot_be_used` |
//! | a certificate changes on disk | it is served without a restart | `reload.rs: a_pair_that_changes_on_disk_is_served_without_a_signal` |
//! | the new one is bad, or gone | the one before goes on | `reload.rs: a_pair_that_cannot_be_used_is_refused_and_the_one_before_goes_on`, `reload.rs: a_pair_that_is_gone_is_refused_and_the_one_before_goes_on` |

mod sockets;
mod users;

use std::fs;
use std::path::Path;

#[test]
fn every_test_of_the_table_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut found = 0;
    let table = include_str!("main.rs")
        .lines()
        .filter(|line| line.starts_with("//! |"));
    for reference in table.flat_map(|line| line.split('`').skip(1).step_by(2)) {
        let (file, name) = reference.split_once(": ").expect("a file and a test");
        let text = fs::read_to_string(folder.join(file));
        let text = text.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.contains(&format!("fn {name}()")), "{reference}");
        found += 1;
    }
    assert!(found > 20, "only {found} tests are named");
}
