//! The table of the guide's procedures says the truth: each heading has a row, each row a test.

use std::{collections::BTreeSet, fs, path::Path};

/// The guide's headings that describe a procedure for the console, of its edition of October 2019.
const HEADINGS: [&str; 37] = [
    "Mutual Authentication",
    "Security Groups",
    "Network-based Authorization",
    "Step 1: Generate Server and Client Certificates and Keys",
    "Step 2: Create a Client VPN Endpoint",
    "Step 3: Enable VPN Connectivity for Clients",
    "Step 4: Authorize Clients to Access a Network",
    "Step 5: (Optional) Enable Access to Additional Networks",
    "Step 6: Download the Client VPN Endpoint Configuration File",
    "Create a Client VPN Endpoint",
    "Modify a Client VPN Endpoint",
    "Export Client Configuration",
    "View Client VPN Endpoints",
    "Delete a Client VPN Endpoint",
    "Associate a Target Network with a Client VPN Endpoint",
    "Apply a Security Group to a Target Network",
    "Disassociate a Target Network from a Client VPN Endpoint",
    "View Target Networks",
    "Add an Authorization Rule to a Client VPN Endpoint",
    "Remove an Authorization Rule from a Client VPN Endpoint",
    "View Authorization Rules",
    "Create an Endpoint Route",
    "View Endpoint Routes",
    "Delete an Endpoint Route",
    "Generate a Client Certificate Revocation List",
    "Import a Client Certificate Revocation List",
    "Export a Client Certificate Revocation List",
    "View Client Connections",
    "Terminate a Client Connection",
    "Access to a VPC",
    "Access to a Peered VPC",
    "Access to an On-Premises Network",
    "Access to the Internet",
    "Grant access to Client VPN clients only",
    "Deny Client VPN clients access",
    "Creating a Service-Linked Role for Client VPN",
    "Deleting a Service-Linked Role for Client VPN",
];

#[test]
fn each_procedure_of_the_guide_has_a_test_that_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gui");
    let table = fs::read_to_string(folder.join("PROCEDURES.md")).expect("the table is there");
    let mut found = BTreeSet::new();
    for row in table.lines().filter(|line| line.contains("::")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, heading, test] = cells[..] else {
            panic!("a row has three cells: {row}");
        };
        let path = test.trim_matches('`').split_once("::");
        let (module, name) = path.expect("a test is named by its module");
        let source = fs::read_to_string(folder.join(module).with_extension("rs"));
        let source = source.unwrap_or_else(|error| panic!("{module}: {error}"));
        assert!(
            source.contains(&format!("#[test]\nfn {name}()")),
            "{module} has no test {name}, which is to perform \"{heading}\""
        );
        assert!(found.insert(heading.to_owned()), "{heading} has two rows");
    }
    let wanted: BTreeSet<String> = HEADINGS.map(str::to_owned).into();
    assert_eq!(found, wanted);
}
