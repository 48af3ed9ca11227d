;; verdict: refused at compile COMPILE_TOO_SLOW
;; time: 3.5 s
;; memory: 640 MiB
;; limits: compile_s_max=2
;; proves: as many such bodies as fit into a module are ended at the same limit: time does not count by functions.
(module
  (memory (export "memory") 1)
  ;; repeat 14
  (func
    ;; repeat 1000
    (local i32)
    ;; end
    ;; repeat 4000
    loop
    ;; end
    ;; repeat 3000
    (br_if 0 (local.get {random 1000}))
    (local.set {random 1000} (local.get {random 1000}))
    ;; end
    ;; repeat 4000
    local.get 0 br_if 0 end
    ;; end
  )
  ;; end
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
