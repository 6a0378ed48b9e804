//! What happens when a part fails: each row names the test that injects it.

use serde::Serialize;

/// A part that fails in one way, and what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FailMode {
    /// The part.
    pub component: &'static str,
    /// How it fails.
    pub failure: &'static str,
    /// What then holds.
    pub behaviour: &'static str,
    /// What the safety state becomes; `-` where it stays.
    pub state: &'static str,
    /// The test that injects it, as `FILE::NAME`.
    pub test: &'static str,
}

/// Writes rows of one component.
macro_rules! rows {
    ($($component:literal { $($failure:literal => $behaviour:literal, $state:literal, $test:literal;)* })*) => {
        &[$($(FailMode {
            component: $component,
            failure: $failure,
            behaviour: $behaviour,
            state: $state,
            test: $test,
        },)*)*]
    };
}

/// Every failure mode there is.
pub const ALL: &[FailMode] = rows! {
    "safety state" {
        "no state is stored" => "reads and cancels pass, two people open it", "BLOCK",
            "src/control/store.rs::nothing_stored_is_block";
        "a copy is torn" => "the other copy, with a BLOCK on top", "BLOCK",
            "src/control/store.rs::a_torn_copy_is_block_wherever_it_is_torn";
        "a copy is taken away or put back from an earlier day" => "the newest copy, with a BLOCK on top", "BLOCK",
            "src/control/store.rs::a_copy_taken_away_or_put_back_is_block";
        "the process is killed around a change" => "never looser than what was acknowledged", "as acknowledged",
            "tests/it/crash.rs::kill_9_at_any_instant_never_restarts_looser";
        "the disk hangs while it is written" => "it acts, and says that it is not durable", "as asked",
            "src/control/safety.rs::a_disk_that_hangs_does_not_hold_up_a_tightening";
        "somebody tightens while a release is under way" => "the release is refused", "the stricter",
            "src/control/safety.rs::who_tightens_while_a_release_is_under_way_wins";
    }
    "containments" {
        "their file is gone, torn or put back" => "what is known holds, and orders do not pass", "BLOCK",
            "tests/it/contain.rs::containments_that_are_gone_or_put_back_are_block";
    }
    "gates" {
        "a reporter falls silent" => "UNKNOWN, until people release it", "SAFE",
            "tests/it/gates.rs::a_reporter_that_falls_silent_is_unknown_and_safe";
        "its silence goes on for `block_after`" => "UNKNOWN still, and nothing but cancels passes", "BLOCK",
            "tests/it/gates.rs::a_prometheus_server_may_be_asked_and_its_silence_is_no_health";
        "a gate fails once" => "nothing: it takes as many as policy says", "-",
            "tests/it/gates.rs::one_fail_is_a_blip_and_two_in_a_row_are_not";
    }
    "policy" {
        "the file is edited" => "a signal; what was in force stays", "SAFE",
            "tests/it/signals.rs::a_policy_file_that_is_edited_is_noticed";
        "the file is no policy, or takes a restart" => "refused whole and recorded; what was in force stays", "-",
            "tests/it/reload.rs::a_file_that_is_no_policy_or_changes_what_was_made_at_the_start_is_refused_whole";
        "the file protects less" => "two people agree on its hash, or it is not in force", "-",
            "tests/it/reload.rs::a_looser_file_takes_two_people_who_agree_on_its_hash";
        "a secret cannot be read at the start" => "it does not start, and says which", "-",
            "tests/it/cli.rs::what_the_machine_lacks_is_one_clear_line";
    }
    "journal" {
        "an entry is changed on the disk" => "SEV0; nothing is loosened, cancels pass", "BLOCK",
            "tests/it/signals.rs::a_journal_that_no_longer_verifies_is_sev0";
        "it cannot be read back, twice in a row" => "not known to be whole: UNKNOWN, until people release it", "SAFE",
            "tests/it/signals.rs::a_journal_that_cannot_be_read_once_is_a_blip_and_one_that_stays_so_is_unknown";
        "it does not verify when somebody wants to loosen" => "refused; tightening works", "-",
            "tests/it/state.rs::nothing_is_loosened_while_the_journal_cannot_verify";
        "the disk is full" => "a signal; tightening acts, what cannot be written waits, nothing is loosened", "SAFE",
            "tests/it/signals.rs::a_disk_that_is_full_tightens_and_loses_no_tightening";
        "the disk does not sync" => "tightening acts, cancels pass, nothing is loosened", "-",
            "tests/it/faults.rs::a_disk_that_does_not_sync_holds_up_neither_tightening_nor_cancels_and_loses_nothing_acknowledged";
    }
    "upstream" {
        "it is not there" => "a definite refusal; on order routes 403", "-",
            "tests/it/orders.rs::a_venue_that_is_not_there_is_a_definite_refusal";
        "it hangs up after an order" => "sent once; the outcome is unknown and said so", "-",
            "tests/it/orders.rs::an_order_is_sent_once_even_when_the_venue_hangs_up";
    }
    "orders" {
        "they are replayed" => "a signal; in a stricter state the same id is refused as known", "SAFE",
            "tests/it/signals.rs::orders_that_are_replayed_tighten_and_one_that_is_sent_twice_does_not";
        "they are sent again because the venue took none" => "recorded, and no signal", "-",
            "tests/it/signals.rs::an_order_that_is_sent_again_because_it_was_not_taken_is_no_replay";
        "many are refused while nothing is held" => "a signal", "SAFE",
            "tests/it/signals.rs::a_wave_of_refused_orders_tightens_and_half_of_one_does_not";
    }
    "resting orders" {
        "who cancels them does not answer" => "`resting_unknown`, and asked again until it does; BLOCK holds", "-",
            "tests/it/sweeps.rs::orders_that_rest_are_cancelled_in_block_and_what_is_not_known_is_said";
        "one comes to rest after they were cancelled" => "it is found by the next query, and cancelled", "-",
            "tests/it/sweeps.rs::orders_that_rest_are_cancelled_in_block_and_what_is_not_known_is_said";
    }
    "callers" {
        "many guess at keys that do not exist" => "they wait; trading goes on", "-",
            "tests/it/signals.rs::cheap_garbage_halts_nothing_and_a_real_spike_does";
        "an operator is locked out by others" => "tightening works all the same", "-",
            "tests/it/access.rs::nobody_can_lock_an_operator_out_of_tightening";
        "a lockout, and the process is killed" => "it goes on", "-",
            "tests/it/access.rs::a_lockout_survives_a_kill_and_a_valid_caller_sees_nothing_of_it";
    }
    "people" {
        "one person wants to loosen alone" => "refused", "-",
            "tests/it/state.rs::the_cli_tightens_and_releases";
        "an emergency release is under way at a restart" => "it is over", "as before it",
            "tests/it/gates.rs::an_emergency_release_takes_two_people_is_loud_and_ends";
    }
    "controls" {
        "a detector no longer bites" => "the drill fails: an alert and an incident", "SAFE",
            "tests/it/drill.rs::a_control_that_does_not_bite_is_said_loudly_and_tightens";
    }
};

/// All of them as one table in Markdown: the page `docs/failmodes.md`.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# What happens when a part fails\n\nMade by `sekisho failmodes --markdown`; a test holds the two together.\n\n\
         | part | fails | then | state | injected by |\n|---|---|---|---|---|\n",
    );
    for FailMode { component, failure, behaviour, state, test } in ALL {
        page.push_str(&format!("| {component} | {failure} | {behaviour} | {state} | `{test}` |\n"));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::{ALL, page};

    #[test]
    fn the_page_is_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/failmodes.md");
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            page(),
            "`sekisho failmodes --markdown > docs/failmodes.md`"
        );
    }

    #[test]
    fn no_row_is_there_twice() {
        let mut rows: Vec<_> = ALL.iter().map(|row| (row.component, row.failure)).collect();
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), ALL.len());
    }
}
