//! The single integration-test binary; one module per subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::too_many_lines,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may fail loudly, read a whole file and wait for a child process"
)]

mod api;
mod architecture;
mod azure_adapters;
mod azurite;
mod cli;
mod coverage;
mod dependencies;
mod detect;
mod end_to_end;
mod fake_host;
mod fast_path;
mod forms;
mod fuzz_smoke;
mod host_contract;
mod managed_identity;
mod noise;
mod pipeline;
mod reference_pages;
mod rules;
mod rules_built;
mod rules_hygiene;
mod salvage;
mod same_element;
mod sigma_cases;
mod store;
mod table_contract;
