import java.io.FileInputStream;
import java.net.InetAddress;
import java.security.KeyStore;
import java.security.Security;
import javax.net.ssl.*;

/** A server of the Java standard library with everything that it can: the one stack at hand that still speaks SSLv3. */
public class OldServer {
    public static void main(String[] args) throws Exception {
        for (String list : new String[] {"jdk.tls.disabledAlgorithms", "jdk.tls.legacyAlgorithms", "jdk.certpath.disabledAlgorithms"}) Security.setProperty(list, "");
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(new FileInputStream(args[1]), "secret".toCharArray());
        KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509");
        keys.init(store, "secret".toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        SSLServerSocket server = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(Integer.parseInt(args[0]), 50, InetAddress.getByName("127.0.0.1"));
        server.setEnabledProtocols(server.getSupportedProtocols());
        server.setEnabledCipherSuites(server.getSupportedCipherSuites());
        while (true) {
            SSLSocket one = (SSLSocket) server.accept();
            new Thread(() -> {
                try (one) {
                    one.startHandshake();
                    one.getInputStream().read();
                } catch (Exception end) {
                    // a scanner goes away in the middle
                }
            }).start();
        }
    }
}
