//! The conformance suite of the store: what every engine under `qiao::store` must do.
//!
//! Each story is a plain function over a [`Way`], one way to open a store. It uses the store as
//! the rest of Qiao does, through its public operations; where none of them reads what was
//! written it asks with the plain SQL that `docs/SCHEMA.md` offers to people. That is why the
//! suite lives here and not inside `src/store`: it cannot lean on how SQLite is used there. All
//! that belongs to one engine stands in [`way`]; a second engine is a second way, and `suite!`
//! plays all stories on it too. What a story must not do: know a file's format, sleep, or depend
//! on another story.
//!
//! Start reading at [`arrivals`]. [`plans`] plays the whole suite once more and looks at the
//! plan of every statement that it made.

mod arrivals;
mod backups;
mod claims;
mod concurrency;
mod conversations;
mod crashes;
mod erasing;
mod examining;
mod jobs;
mod lanes;
mod mappings;
mod measuring;
mod opening;
mod operators;
mod pages;
mod placing;
mod plans;
mod reading;
mod reconciling;
mod retention;
mod rows;
mod searching;
mod settling;
mod stand;
mod statements;
mod telling;
mod waiting;
mod walks;
mod way;
mod windows;

use way::Way;

/// Names every story once: as a test in the way of the daemon, and as a part of `played`.
macro_rules! suite {
    ($($room:ident: $($story:ident)+;)+) => {
        mod as_the_daemon {
            $(mod $room {
                $(#[tokio::test(flavor = "multi_thread")]
                async fn $story() {
                    super::super::$room::$story(&super::super::Way::of_the_daemon()).await;
                })+
            })+
        }

        /// Plays every story, each on a store of its own, in the way of the simulation.
        async fn played() {
            $($(Box::pin($room::$story(&Way::of_the_simulation())).await;)+)+
        }
    };
}

suite! {
    opening:
        a_second_writer_is_refused_until_the_first_is_gone
        a_reader_beside_the_writer_sees_what_is_committed_and_cannot_write
        there_is_nothing_to_read_where_nothing_was_written
        a_database_of_a_newer_qiao_is_refused
        a_database_of_an_older_qiao_is_not_read_before_it_is_migrated
        a_copy_is_kept_before_anything_is_migrated
        what_was_acknowledged_is_there_after_a_drop_without_close
        no_id_is_given_twice_although_the_newest_rows_were_deleted
        closing_writes_what_is_queued_and_refuses_what_comes_later;
    arrivals:
        a_push_its_message_and_its_effect_are_one_commit_and_point_at_each_other
        a_push_that_comes_again_gets_the_stored_answer_and_no_second_effect
        copies_in_one_batch_have_one_effect
        only_the_same_key_of_the_same_sender_and_account_is_a_duplicate
        without_a_key_nothing_is_taken_for_a_duplicate
        what_could_not_be_read_is_kept_with_its_reason
        a_pending_answer_is_told_once_it_is_known
        a_suppressed_push_is_released_once_with_what_follows_from_it
        a_key_is_forgotten_when_it_is_old_enough
        while_somebody_holds_the_write_lock_a_push_is_refused_and_later_accepted
        one_request_that_the_database_refuses_does_not_fail_its_neighbours;
    claims:
        only_the_head_of_a_lane_runs_and_lanes_run_side_by_side
        a_lane_is_under_way_until_its_last_row_is_settled
        the_urgent_go_first_and_the_limit_holds_over_all_priorities
        bulk_work_is_left_where_it_was_not_asked_for
        what_is_due_longest_goes_first_and_nothing_before_its_time
        every_remote_is_asked_on_its_own
        a_claim_tells_the_handler_everything
        what_follows_a_head_is_claimed_with_it_where_that_is_asked_for
        running_ahead_ends_at_the_first_row_that_may_not
        the_timer_is_told_the_next_instant_of_each_remote
        a_reread_that_has_not_started_takes_in_the_next_one
        what_is_local_is_read_in_order_and_settled_without_a_claim
        a_local_effect_wakes_who_decides_and_nobody_else
        heads_may_be_claimed_before_their_turn_where_that_is_asked_for
        nobody_is_woken_by_what_makes_nothing_due;
    settling:
        what_is_done_leaves_its_lane_and_says_how
        a_retry_blocks_its_lane_until_it_is_due
        what_is_held_dead_or_cancelled_does_not_block_its_lane
        a_try_that_does_not_count_is_written_down_all_the_same
        an_uncertain_attempt_is_told_as_such
        what_follows_is_in_the_same_commit_and_points_at_the_same_push
        a_turn_settles_and_claims_what_is_due_after_it_in_one_commit
        an_attempt_is_settled_once;
    waiting:
        what_was_held_goes_first_when_it_is_released
        a_release_takes_only_its_lane_and_its_reason
        a_release_that_needs_an_open_window_waits_for_one
        an_unfollow_cancels_what_waits_and_what_is_held_but_not_what_runs
        a_held_message_goes_out_as_a_passive_reply_once
        what_is_past_its_time_is_given_up
        what_follows_from_an_expiry_is_written_with_it_and_only_then
        what_was_claimed_and_not_tried_is_given_back_to_its_place
        what_ran_when_the_daemon_died_is_uncertain_after_the_restart;
    operators:
        a_dead_letter_that_is_retried_keeps_its_history
        a_retry_does_not_keep_an_expiry_that_has_passed
        only_what_waits_is_cancelled_by_hand
        an_older_row_that_is_retried_waits_for_the_running_one_only
        every_act_of_an_operator_is_written_down
        an_act_is_written_down_in_its_own_commit_if_it_changes_anything;
    erasing:
        a_person_is_erased_table_by_table_and_nobody_else
        nothing_begins_while_something_is_done_for_the_person
        who_comes_during_the_erasure_is_a_new_person_and_keeps_their_rows
        an_id_is_not_given_again_while_an_erasure_may_take_it_for_an_old_one
        an_erasure_is_ordered_once_and_may_be_dropped_before_it_begins
        the_words_of_deleted_messages_leave_the_index;
    mappings:
        a_mapping_keeps_what_a_change_does_not_name
        a_late_link_does_not_bring_back_somebody_who_left
        what_was_decided_before_a_link_stood_does_not_undo_it
        since_when_they_are_linked_stays_while_the_customer_does
        an_unlinked_follower_stands_for_nobody
        everybody_who_stands_for_a_customer_is_found
        somebody_who_waits_for_their_customer_is_noticed
        the_mappings_of_many_are_read_at_once
        mappings_are_listed_in_pages
        an_openid_leads_to_its_accounts
        the_last_baseline_of_a_customer_stands;
    windows:
        a_newer_act_renews_the_window_and_an_older_one_does_not
        a_send_counts_in_every_live_grant_of_its_follower
        a_window_is_closed_up_to_the_act_that_was_known
        a_slow_refresher_never_overwrites_a_newer_token;
    jobs:
        a_job_runs_once_at_a_time
        a_run_remembers_where_to_go_on
        a_run_that_was_cut_off_is_interrupted_and_the_job_free
        the_last_walk_that_got_through_a_stage_is_found
        findings_are_read_in_pages
        a_job_is_known_since_it_was_first_seen
        what_was_found_due_is_not_started_after_somebody_else_did;
    backups:
        a_copy_holds_one_moment_and_no_token
        what_a_copy_has_still_to_do_is_doubted_but_for_its_own_decisions
        a_copy_that_is_no_database_or_of_a_newer_qiao_is_told
        the_book_of_backups_tells_which_stand_and_how_they_were_tried;
    retention:
        what_was_said_long_ago_goes_with_its_media_and_its_words
        a_conversation_goes_as_a_whole_and_not_while_it_is_open
        what_waits_is_held_or_dead_keeps_its_message_and_its_push
        an_effect_that_settled_just_now_stays_however_old_it_is
        a_push_that_comes_again_gets_its_answer_after_older_ones_went
        findings_events_and_runs_go_but_the_last_run_of_each_job
        much_goes_page_by_page_past_what_stays
        a_sound_database_has_no_damage;
    placing:
        a_place_stands_in_both_systems_and_a_message_has_one
        the_newest_event_of_each_follower_is_known
        pushes_are_read_as_they_came
        old_places_go_and_so_do_those_of_who_deletes_their_history;
    measuring:
        the_oldest_due_of_each_effect_is_told
        what_is_held_is_counted_by_reason
        the_last_success_of_each_job_is_told
        rows_belong_to_the_trace_of_what_they_follow_from;
    reconciling:
        the_far_side_lists_somebody_we_do_not_know
        we_know_somebody_whom_the_far_side_does_not_list
        a_link_whose_customer_does_not_fit_is_suspected
        a_pending_mapping_without_work_is_stranded
        one_customer_or_one_person_with_several_is_found
        a_day_has_so_many_calls
        a_repair_is_queued_once_and_its_finding_says_so
        what_is_found_late_undoes_nothing_that_was_done_later;
    conversations:
        a_conversation_goes_on_until_it_ends_and_the_next_knows_of_it
        a_follower_has_one_open_conversation
        the_stillest_conversations_are_found
        a_ticket_leads_to_its_conversation
        what_stands_in_c4c_for_a_message_is_remembered_once
        a_profile_is_remembered
        a_medium_is_wanted_then_stored_or_missing_and_stays_so
        an_agents_file_is_written_with_its_message_and_known_again
        what_happens_at_the_seats_is_written_down
        a_message_that_came_in_stays_received_whatever_is_done_about_it
        what_was_said_first_goes_first_in_whatever_order_it_came;
    telling:
        conversations_are_listed_newest_first_narrowed_and_in_pages
        a_message_is_told_with_its_conversation_what_c4c_has_of_it_and_its_media;
    reading:
        a_conversation_is_told_in_order_and_only_of_its_follower
        a_follower_reads_what_reached_them
        what_a_follower_was_told_is_known
        deleting_a_history_leaves_no_word_of_it_and_nothing_of_anybody_else
        the_outbox_is_listed_by_state_and_effect
        the_queue_is_counted
        a_probe_is_an_answer_of_the_disk
        a_story_is_traced_through_all_tables
        what_came_since_a_mark_is_tallied;
    searching:
        a_message_is_found_by_its_words_once_it_is_indexed
        what_is_found_is_narrowed_and_comes_in_pages
        the_text_decides_and_not_the_index
        a_word_that_was_deleted_is_not_found
        a_message_behind_a_deleted_one_is_found
        a_text_that_was_deleted_alone_is_not_found
        a_conversation_is_read_page_by_page_both_ways
        only_the_last_runs_of_a_job_are_kept;
    concurrency:
        copies_that_arrive_at_the_same_moment_have_one_effect
        a_claim_gets_what_an_operator_queued_in_the_same_commit
        every_acknowledged_push_is_delivered_once_and_in_order
        one_claimer_gets_each_row
        readers_see_whole_commits_only
        a_full_queue_refuses_at_once_and_keeps_what_it_took
        what_can_wait_is_told_when_senders_do;
    examining:
        the_file_is_described_and_looked_through
        a_look_through_the_file_ends_in_time
        the_newest_row_tells_when_the_clock_was_last_read
        traces_of_trouble_are_counted;
    pages:
        somebody_on_their_way_comes_back_once_and_in_time
        a_follower_is_known_to_some_browsers_and_the_oldest_go
        what_somebody_consented_to_is_kept_until_they_withdraw_it
        what_a_follower_asks_for_takes_the_place_of_what_waits
        a_follower_is_told_of_their_tickets_newest_first;
    crashes:
        an_arrival_is_there_once_it_is_committed
        a_settlement_is_there_once_it_is_committed
        a_claim_is_there_once_it_is_committed
        a_change_is_there_once_it_is_committed
        an_operation_is_there_once_it_is_committed
        a_batch_of_all_kinds_is_there_as_a_whole_or_not_at_all;
}
