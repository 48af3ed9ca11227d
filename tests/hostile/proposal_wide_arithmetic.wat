;; verdict: refused at compile MODULE_INVALID
;; time: 0.5 s
;; memory: 8 MiB
;; needs: wasm_wide_arithmetic
;; proves: an unfinished proposal is refused even where it is harmless.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i64.add128 (i64.const 1) (i64.const 0) (i64.const 1) (i64.const 0))
    (drop)
    (i32.wrap_i64)))
