;; verdict: refused at structure LOCALS_TOO_MANY
;; time: 0.2 s
;; memory: 8 MiB
;; proves: locals are bounded: with blocks they make a compile bomb.
(module
  (memory (export "memory") 1)
  (func
    ;; repeat 10000
    (local i64)
    ;; end
  )
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
