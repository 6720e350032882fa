//! Floor 4: the vendors behind the ports. Knows model and ports; knows neither the pipeline nor,
//! between adapters, each other. `app.rs` alone names what is in here.

pub mod azure;
pub mod local;
