;; verdict: refused at imports IMPORT_FORBIDDEN
;; time: 0.2 s
;; memory: 8 MiB
;; proves: importing a memory beside one's own is an import.
(module
  (import "env" "memory" (memory 1))
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
