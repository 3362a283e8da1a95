// Runs KEDA's own operator and metrics server outside a cluster: `keda operator|metrics [flags]`.
//
// It does what upstream's cmd/operator and cmd/adapter do at the same tag, with the same packages. Left out is what listens on
// every address of the machine (metrics, probes), what expects a pod (rotation of certificates, leader election), and
// admission webhooks and CloudEvents, which scale nothing.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	kscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	basecmd "sigs.k8s.io/custom-metrics-apiserver/pkg/cmd"

	eventingv1alpha1 "github.com/kedacore/keda/v2/apis/eventing/v1alpha1"
	kedav1alpha1 "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	kedacontrollers "github.com/kedacore/keda/v2/controllers/keda"
	"github.com/kedacore/keda/v2/pkg/eventemitter"
	"github.com/kedacore/keda/v2/pkg/k8s"
	"github.com/kedacore/keda/v2/pkg/metricsservice"
	kedaprovider "github.com/kedacore/keda/v2/pkg/provider"
	"github.com/kedacore/keda/v2/pkg/scalers/authentication"
	"github.com/kedacore/keda/v2/pkg/scaling"
	kedautil "github.com/kedacore/keda/v2/pkg/util"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: %s operator|metrics [flags]", os.Args[0]))
	}
	part, ok := map[string]func(context.Context, []string) error{
		"operator": runOperator,
		"metrics":  runMetrics,
	}[os.Args[1]]
	if !ok {
		fail(fmt.Errorf("%s: not a part of KEDA; one of operator, metrics", os.Args[1]))
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	ctrl.SetLogger(zap.New())
	if err := part(ctx, os.Args[2:]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func newManager(kubeconfig string) (manager.Manager, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	// cmd/operator: the defaults of --kube-api-qps, --kube-api-burst and --disable-compression.
	config.QPS, config.Burst, config.DisableCompression = 20, 30, true
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		kscheme.AddToScheme, kedav1alpha1.AddToScheme, eventingv1alpha1.AddToScheme,
	} {
		utilruntime.Must(add(scheme))
	}
	return ctrl.NewManager(config, ctrl.Options{
		Scheme:                 scheme,
		Metrics:                metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
		Cache:                  ctrlcache.Options{DefaultTransform: kedautil.CacheObjectTransform},
	})
}

func runOperator(ctx context.Context, args []string) error {
	flags := pflag.NewFlagSet("operator", pflag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of the API server")
	namespace := flags.String("namespace", "keda", "namespace of the Secrets of ClusterTriggerAuthentications")
	listen := flags.String("metrics-service-bind-address", "", "address of the gRPC service that the metrics server asks")
	certificates := flags.String("cert-dir", "", "folder with ca.crt, tls.crt and tls.key of that service")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := os.Setenv("KEDA_CLUSTER_OBJECT_NAMESPACE", *namespace); err != nil {
		return err
	}
	// A trigger's Prometheus has a name within the cluster. One outside answers for it: it serves a proxy's requests as its own.
	if address := os.Getenv("LLMPLATFORM_SANDBOX_PROMETHEUS"); address != "" {
		if err := os.Setenv("HTTP_PROXY", address); err != nil {
			return err
		}
	}
	mgr, err := newManager(*kubeconfig)
	if err != nil {
		return err
	}
	clients, err := kubernetes.NewForConfig(mgr.GetConfig())
	if err != nil {
		return err
	}
	shared := informers.NewSharedInformerFactoryWithOptions(clients, time.Hour, informers.WithNamespace(*namespace))
	secrets := shared.Core().V1().Secrets()
	scales, _, err := k8s.InitScaleClient(mgr)
	if err != nil {
		return err
	}
	auth := &authentication.AuthClientSet{CoreV1Interface: clients.CoreV1(), SecretLister: secrets.Lister()}
	recorder := mgr.GetEventRecorder("keda-operator")
	// cmd/operator: the default of KEDA_HTTP_DEFAULT_TIMEOUT.
	handler := scaling.NewScaleHandler(mgr.GetClient(), scales, mgr.GetScheme(), 3*time.Second, recorder, auth)
	events := eventemitter.NewEventEmitter(mgr.GetClient(), recorder, "kubernetes-default", auth)
	if err := (&kedacontrollers.ScaledObjectReconciler{
		Client:       mgr.GetClient(),
		Scheme:       mgr.GetScheme(),
		ScaleClient:  scales,
		ScaleHandler: handler,
		EventEmitter: events,
	}).SetupWithManager(mgr, controller.Options{MaxConcurrentReconciles: 5}); err != nil {
		return err
	}
	if err := (&kedacontrollers.TriggerAuthenticationReconciler{
		Client: mgr.GetClient(), EventHandler: events,
	}).SetupWithManager(mgr); err != nil {
		return err
	}
	if err := (&kedacontrollers.ClusterTriggerAuthenticationReconciler{
		Client: mgr.GetClient(), EventHandler: events,
	}).SetupWithManager(mgr); err != nil {
		return err
	}
	ready := make(chan struct{})
	close(ready)
	server := metricsservice.NewGrpcServer(&handler, *listen, *certificates, ready)
	if err := mgr.Add(&server); err != nil {
		return err
	}
	shared.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), secrets.Informer().HasSynced) {
		return fmt.Errorf("the cache of Secrets did not come")
	}
	return mgr.Start(ctx)
}

func runMetrics(ctx context.Context, args []string) error {
	adapter := &basecmd.AdapterBase{Name: "keda-adapter"}
	kubeconfig := adapter.Flags().String("kubeconfig", "", "kubeconfig of the API server")
	operator := adapter.Flags().String("metrics-service-address", "", "address of the operator's gRPC service")
	if err := adapter.Flags().Parse(args); err != nil {
		return err
	}
	mgr, err := newManager(*kubeconfig)
	if err != nil {
		return err
	}
	client, err := metricsservice.NewGrpcClient(
		ctx, *operator, adapter.SecureServing.ServerCert.CertDirectory, "", "", grpcprom.NewClientMetrics(), false,
	)
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	go func() { failed <- mgr.Start(ctx) }()
	adapter.WithExternalMetrics(kedaprovider.NewProvider(ctx, ctrl.Log.WithName("metrics"), mgr.GetClient(), *client))
	go func() { failed <- adapter.Run(ctx) }()
	return <-failed
}
