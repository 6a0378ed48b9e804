//! The journal an auditor needs: record, tree, tiles, checkpoint, verify.
