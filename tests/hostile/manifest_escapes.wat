;; verdict: refused at manifest MANIFEST_INVALID
;; time: 0.2 s
;; memory: 8 MiB
;; proves: keys that would drive a terminal are shown as text.
(module
  (memory (export "memory") 1)
  (@custom "edge.manifest" "{\"\1b[2J\e2\80\ae\":1}")
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
