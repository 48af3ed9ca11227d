;; Acts when the smallest sample of the last minute is above 20 W.
(module
  (memory (export "memory") 1)

  (func (export "edge_inputs") (result i32)
    (i32.const 0))

  (func (export "evaluate") (result i32)
    (local $sample i32)
    (local $lowest_w f64)
    (local.set $lowest_w (f64.const inf))
    (loop $next
      ;; f64.min keeps NaN: one sample that was not measured, and nothing is said.
      (local.set $lowest_w
        (f64.min
          (local.get $lowest_w)
          (f64.load (i32.add (i32.const {{power_import_0_offset}}) (i32.mul (local.get $sample) (i32.const 8))))))
      (local.set $sample (i32.add (local.get $sample) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $sample) (i32.const {{power_import_0_samples}}))))
    (select
      (i32.const {{outcome_look_around}})
      (i32.const 0)
      (f64.gt (local.get $lowest_w) (f64.const 20)))))
