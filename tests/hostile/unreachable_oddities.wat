;; verdict: contained NONE
;; outcome: 1
;; time: 0.5 s
;; memory: 8 MiB
;; proves: code after `unreachable` may take what is not there; it is never run.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (block $out
      (br $out)
      i32.add
      drop
      (br_table 0 0 0)
      select
      drop)
    i32.const 1))
