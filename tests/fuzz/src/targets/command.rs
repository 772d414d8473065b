//! What the control socket is asked: a command that is read says the same when it is sent on.

use qiao::control::Command;

use crate::Target;

pub(crate) const TARGET: Target = Target {
    name: "command",
    check,
    words: &[
        "{\"command\":\"message_send\"",
        "\"command\":\"outbox_retry\"",
        "\"command\":\"outbox_cancel\"",
        "\"command\":\"duplicate_release\"",
        "\"command\":\"job_run\"",
        "\"command\":\"reconcile\"",
        "\"command\":\"mapping_link\"",
        "\"command\":\"mapping_import\"",
        "\"chosen\":{\"customer_id\":\"1000441\"}",
        "\"lines\":[{\"openid\":\"o1\"}]",
        "\"account\":\"main\"",
        "\"openid\":",
        "\"text\":",
        "\"id\":9223372036854775807",
        "\"apply\":true",
        "\"only\":null",
        "\"limit\":1",
        ",",
        "}",
    ],
};

fn check(bytes: &[u8]) {
    let Ok(command) = serde_json::from_slice::<Command>(bytes) else {
        return;
    };
    let sent = serde_json::to_vec(&command).expect("a command is JSON");
    let read: Command = serde_json::from_slice(&sent).expect("what is sent is read");
    let again = serde_json::to_vec(&read).expect("a command is JSON");
    assert_eq!(sent, again);
}
