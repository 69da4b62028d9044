//! Collections that come with Ansible's community package: who installed that has them, and no playbook says so.

/// Their names.
const PACKAGE: &str = include_str!("package.txt");

/// Whether a collection is one of the package, or was one when modules left Ansible itself.
pub(crate) fn is_in_package(collection: &str) -> bool {
    PACKAGE.split_whitespace().any(|name| name == collection) || crate::moved::is_collection(collection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_told_from_the_rest_of_the_world() {
        assert!(is_in_package("community.docker") && is_in_package("gluster.gluster"));
        assert!(!is_in_package("acme.tools") && !is_in_package("community"));
    }
}
