//! libFuzzer around the one target that `QIAO_FUZZ_TARGET` names.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use qiao_fuzz::Target;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("QIAO_FUZZ_TARGET").expect("QIAO_FUZZ_TARGET names a target");
    qiao_fuzz::target(&name).expect("QIAO_FUZZ_TARGET is one of qiao_fuzz::TARGETS")
});

fuzz_target!(|bytes: &[u8]| (TARGET.check)(bytes));
