test:
	cargo test --workspace --all-targets
	cargo test --workspace --doc

.PHONY: test
