//! What the reads cost: their share of measured logs. A test counts the logs again.

/// One verb in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerbVolume {
    pub verb: &'static str,
    pub records: u64,
    /// Bytes of their lines, line ends included.
    pub bytes: u64,
}

/// A log that was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume {
    /// The file in the repository.
    pub log: &'static str,
    pub records: u64,
    pub bytes: u64,
    /// `get`, `list` and `watch`.
    pub reads: [VerbVolume; 3],
}

impl Volume {
    /// The share of verbs in the bytes, in thousandths, rounded down.
    pub fn bytes_permille(&self, verbs: &[&str]) -> u64 {
        let bytes: u64 = self.of(verbs).map(|read| read.bytes).sum();
        bytes.saturating_mul(1000).checked_div(self.bytes).unwrap_or_default()
    }

    /// The share of verbs in the records, in thousandths, rounded down.
    pub fn records_permille(&self, verbs: &[&str]) -> u64 {
        let records: u64 = self.of(verbs).map(|read| read.records).sum();
        records.saturating_mul(1000).checked_div(self.records).unwrap_or_default()
    }

    fn of<'a>(&'a self, verbs: &'a [&str]) -> impl Iterator<Item = &'a VerbVolume> {
        self.reads.iter().filter(|read| verbs.contains(&read.verb))
    }
}

/// The logs of `samples/`, as they lie there.
pub const MEASURED: [Volume; 2] = [
    Volume {
        log: "samples/quiet.audit.jsonl.gz",
        records: 8_053,
        bytes: 14_362_690,
        reads: [
            VerbVolume { verb: "get", records: 1_717, bytes: 1_969_706 },
            VerbVolume { verb: "list", records: 1_447, bytes: 1_808_026 },
            VerbVolume { verb: "watch", records: 716, bytes: 725_525 },
        ],
    },
    Volume {
        log: "samples/attack.azure.jsonl.gz",
        records: 7_707,
        bytes: 20_812_225,
        reads: [
            VerbVolume { verb: "get", records: 1_608, bytes: 3_035_399 },
            VerbVolume { verb: "list", records: 1_293, bytes: 2_536_675 },
            VerbVolume { verb: "watch", records: 602, bytes: 1_048_274 },
        ],
    },
];
