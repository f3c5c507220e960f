package kubernetes

// findScalers notes what scales each workload: a HorizontalPodAutoscaler, or a KEDA ScaledObject, which makes one.
func (w *world) findScalers() error {
	for _, o := range w.objects {
		if !(o.kind == "HorizontalPodAutoscaler" && o.group == "autoscaling") && !(o.kind == "ScaledObject" && o.group == "keda.sh") {
			continue
		}
		var s struct {
			Spec struct{ ScaleTargetRef struct{ Kind, Name string } }
		}
		if err := o.decode(&s); err != nil {
			return err
		}
		target := s.Spec.ScaleTargetRef
		for _, l := range w.workloads {
			if l.namespace == o.namespace && l.name == target.Name && (target.Kind == l.kind || target.Kind == "") {
				l.out.Autoscaled = o.at()
			}
		}
	}
	return nil
}
