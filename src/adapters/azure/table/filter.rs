//! The one query Midwatch asks: a stretch of row keys in one partition. Built from values, each
//! quoted here; no filter text is ever put together elsewhere.

use crate::ports::table::Range;

/// The filter for a scan.
pub(super) fn scan(partition: &str, range: &Range) -> String {
    let mut filter = Filter::default();
    filter.and("PartitionKey", "eq", partition);
    if let Some(from) = &range.from {
        filter.and("RowKey", "ge", from);
    }
    if let Some(to) = &range.to {
        filter.and("RowKey", "lt", to);
    }
    filter.0
}

/// A key as it stands in an entity's address. The table crate puts it between quotes as it is.
pub(super) fn address(key: &str) -> String {
    key.replace('\'', "''")
}

#[derive(Default)]
struct Filter(String);

impl Filter {
    /// `property` and `operator` are ours; the value may be anything.
    fn and(&mut self, property: &'static str, operator: &'static str, value: &str) {
        if !self.0.is_empty() {
            self.0.push_str(" and ");
        }
        for part in [property, " ", operator, " '", &address(value), "'"] {
            self.0.push_str(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        let range = Range { from: Some("a".into()), to: Some("b' or 'x' eq 'x".into()) };
        assert_eq!(
            scan("p' or PartitionKey ne '", &range),
            "PartitionKey eq 'p'' or PartitionKey ne ''' and RowKey ge 'a' \
             and RowKey lt 'b'' or ''x'' eq ''x'"
        );
        assert_eq!(scan("p", &Range::default()), "PartitionKey eq 'p'");
    }
}
