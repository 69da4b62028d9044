//! Any `ssh_config` and any arguments lead to a target or are refused.
#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use shevek_connection::{SshContext, SshOptions};

fuzz_target!(|input: (&str, &str, &str)| {
    let (config, arguments, host) = input;
    // No file but the one given, and nothing that would be run.
    let named = |word: &str| config.to_lowercase().contains(word) || arguments.to_lowercase().contains(word);
    if named("include") || named("exec") || arguments.contains("-F") {
        return;
    }
    let home = std::env::temp_dir().join(format!("shevek-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(home.join(".ssh")).unwrap();
    std::fs::write(home.join(".ssh/config"), config).unwrap();
    let mut context = SshContext::new(home, "ann".into(), 1000, "here".into(), HashMap::new());
    context.system_config = "/nonexistent".into();
    let mut options = SshOptions::new(host);
    options.ssh_common_args = Some(arguments.to_owned());
    let _ = options.resolve(&context);
    let _ = options.openssh(None);
});
